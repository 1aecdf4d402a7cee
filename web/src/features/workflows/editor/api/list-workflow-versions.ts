import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useListWorkflowVersionsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listWorkflowVersions: build.query<Schemas["WorkflowVersions"], string>({
      query: (workflow) => `${workflowUrl(workflow)}/versions`,
      providesTags: ["Workflow"],
    }),
  }),
});
