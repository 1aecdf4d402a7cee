import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useGetWorkflowVersionQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getWorkflowVersion: build.query<Schemas["WorkflowVersion"], { workflow: string; number: number }>({
      query: ({ workflow, number }) => `${workflowUrl(workflow)}/versions/${number}`,
    }),
  }),
});
