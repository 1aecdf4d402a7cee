import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

interface Order {
  workflow: string;
  text: string;
  /** Left out: the one that `run` has recorded. */
  input?: unknown;
  /** The path of the task to begin with. */
  from?: string;
  /** The path of the task to end with. */
  to?: string;
  /** Its values stand for the steps before. */
  run?: string;
  calls?: "real" | "recorded";
  /** Outputs of steps before, by name. */
  steps?: object;
  /** Outputs of what is not called, by path. */
  answers?: object;
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
