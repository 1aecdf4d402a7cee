import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

interface Order {
  workflow: string;
  text: string;
  input: unknown;
  /** The path of the task to begin with. */
  from?: string;
  /** Of the loops around it, by the names of `each`. */
  variables?: Record<string, unknown>;
}

export const { useStartTrialMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    startTrial: build.mutation<Schemas["Run"], Order>({
      query: ({ workflow, ...body }) => ({
        url: `${workflowUrl(workflow)}/trial`,
        method: "POST",
        body,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Run", "Audit"],
    }),
  }),
});
