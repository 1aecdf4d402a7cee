import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

export const { useRetryRunMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    /** Goes on where it failed, or at a place, as a new run; in another version of the workflow, if one is named. */
    retryRun: build.mutation<Schemas["Run"], { run: string; place?: string; version?: number }>({
      query: ({ run, ...body }) => ({
        url: `${runUrl(run)}/retry`,
        method: "POST",
        body,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Run", "Workflow"],
    }),
  }),
});
