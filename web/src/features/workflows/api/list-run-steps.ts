import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

const PAGE = 200;

export const { useLazyListRunStepsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** The rows behind one; rows that are there never change. */
    listRunSteps: build.query<Schemas["RunSteps"], { run: string; after: number }>({
      query: ({ run, after }) => ({ url: `${runUrl(run)}/steps`, params: { after, limit: PAGE } }),
      keepUnusedDataFor: 0,
    }),
  }),
});
