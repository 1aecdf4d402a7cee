import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

interface Order {
  workflow: string;
  text: string;
  /** Of the version that one began from. */
  digest: string;
}

export const { useSaveWorkflowMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    saveWorkflow: build.mutation<Schemas["Workflow"], Order>({
      query: ({ workflow, text, digest }) => ({
        url: workflowUrl(workflow),
        method: "PUT",
        body: { text, digest },
        headers: idempotencyKey(),
      }),
      invalidatesTags: (result) => (result ? ["Workflow", "Audit"] : []),
    }),
  }),
});
