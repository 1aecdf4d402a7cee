import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "../editor/api/urls";

export const { useReplaceWorkflowMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    /** Another version, whichever is there now. */
    replaceWorkflow: build.mutation<Schemas["Workflow"], { workflow: string; text: string }>({
      query: ({ workflow, text }) => ({
        url: workflowUrl(workflow),
        method: "PUT",
        body: { text },
        headers: idempotencyKey(),
      }),
      invalidatesTags: (result) => (result ? ["Workflow", "Audit"] : []),
    }),
  }),
});
