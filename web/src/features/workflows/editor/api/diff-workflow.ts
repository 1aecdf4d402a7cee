import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useDiffWorkflowQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    diffWorkflow: build.query<Schemas["WorkflowDiff"], { workflow: string; from: number; to: number }>({
      query: ({ workflow, ...params }) => ({ url: `${workflowUrl(workflow)}/diff`, params }),
    }),
  }),
});
