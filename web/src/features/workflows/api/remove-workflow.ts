import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";

import { workflowUrl } from "../editor/api/urls";

export const { useRemoveWorkflowMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeWorkflow: build.mutation<undefined, string>({
      query: (workflow) => ({ url: workflowUrl(workflow), method: "DELETE", headers: idempotencyKey() }),
      // The list only: what is open of it would be read again, and not be found.
      invalidatesTags: (_result, error) => (error ? [] : [{ type: "Workflow", id: "list" }, "Audit"]),
    }),
  }),
});
