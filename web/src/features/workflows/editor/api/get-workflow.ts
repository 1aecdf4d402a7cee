import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useGetWorkflowQuery, useLazyGetWorkflowQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getWorkflow: build.query<Schemas["Workflow"], string>({
      query: workflowUrl,
      providesTags: (_result, _error, workflow) => [{ type: "Workflow", id: workflow }],
    }),
  }),
});
