import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetWorkflowPaletteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getWorkflowPalette: build.query<Schemas["WorkflowPalette"], void>({
      query: () => "api/v1/workflows/palette",
      providesTags: ["Plugin", "Connector"],
    }),
  }),
});
