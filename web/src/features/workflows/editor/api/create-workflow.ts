import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useCreateWorkflowMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    createWorkflow: build.mutation<Schemas["Workflow"], string>({
      query: (text) => ({
        url: "api/v1/workflows",
        method: "POST",
        body: { text },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Workflow", "Audit"],
    }),
  }),
});
