import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListPaletteWorkflowsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listPaletteWorkflows: build.query<Schemas["Workflows"], void>({
      query: () => ({ url: "api/v1/workflows", params: { limit: 500 } }),
      providesTags: ["Workflow"],
    }),
  }),
});
