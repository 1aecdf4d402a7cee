import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

export const { useCompareRunsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    compareRuns: build.query<Schemas["RunComparison"], { run: string; other: string }>({
      query: ({ run, other }) => ({ url: `${runUrl(run)}/comparison`, params: { other } }),
      providesTags: ["Run"],
    }),
  }),
});
