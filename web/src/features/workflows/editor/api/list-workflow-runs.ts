import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

const PAGE = 20;

export const { useListWorkflowRunsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listWorkflowRuns: build.query<Schemas["Runs"], string>({
      query: (workflow) => ({ url: "api/v1/runs", params: { workflow, limit: PAGE } }),
      providesTags: ["Run"],
    }),
  }),
});
