import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

interface Order {
  run: string;
  seq: number;
  input?: unknown;
}

export const { useForkRunMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    forkRun: build.mutation<Schemas["Run"], Order>({
      query: ({ run, ...body }) => ({
        url: `${runUrl(run)}/fork`,
        method: "POST",
        body,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Run", "Workflow"],
    }),
  }),
});
