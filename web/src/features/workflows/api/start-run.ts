import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "../editor/api/urls";

export const { useStartRunMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    startRun: build.mutation<Schemas["Run"], { workflow: string; input: unknown }>({
      query: ({ workflow, input }) => ({
        url: `${workflowUrl(workflow)}/runs`,
        method: "POST",
        body: { input },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Run", "Workflow"],
    }),
  }),
});
