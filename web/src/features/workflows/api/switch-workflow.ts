import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "../editor/api/urls";

interface Switch {
  workflow: string;
  on: boolean;
}

export const { useSwitchWorkflowMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    switchWorkflow: build.mutation<Schemas["Workflow"], Switch>({
      query: ({ workflow, on }) => ({
        url: `${workflowUrl(workflow)}/${on ? "enable" : "disable"}`,
        method: "POST",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Workflow", "Audit"],
    }),
  }),
});
