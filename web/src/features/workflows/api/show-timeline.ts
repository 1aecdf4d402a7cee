import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

const ROWS = 200;

export const { useShowTimelineQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showTimeline: build.query<Schemas["RunTimeline"], { run: string; after: string | undefined }>({
      query: ({ run, after }) => ({ url: `${runUrl(run)}/timeline`, params: { after, limit: ROWS } }),
      providesTags: ["Run"],
    }),
  }),
});
