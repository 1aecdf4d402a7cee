import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useValidateWorkflowQuery, useLazyValidateWorkflowQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    validateWorkflow: build.query<Schemas["WorkflowChecked"], string>({
      query: (text) => ({ url: "api/v1/workflows/validate", method: "POST", body: { text } }),
      keepUnusedDataFor: 5,
    }),
  }),
});
