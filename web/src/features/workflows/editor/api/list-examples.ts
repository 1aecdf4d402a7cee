import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListExamplesQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** The workflows that come with the host. */
    listExamples: build.query<Schemas["WorkflowExamples"], void>({
      query: () => "api/v1/workflows/examples",
    }),
  }),
});
