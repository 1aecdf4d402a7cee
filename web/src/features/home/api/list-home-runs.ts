import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Asked {
  status: Schemas["Run"]["status"];
  limit: number;
}

export const { useListHomeRunsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listHomeRuns: build.query<Schemas["Runs"], Asked>({
      query: (params) => ({ url: "api/v1/runs", params: { ...params } }),
      providesTags: ["Run"],
    }),
  }),
});
