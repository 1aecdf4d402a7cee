import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

interface Order {
  run: string;
  verb: "cancel" | "suspend" | "resume";
}

export const { useSteerRunMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    steerRun: build.mutation<Schemas["Run"], Order>({
      query: ({ run, verb }) => ({
        url: `${runUrl(run)}/${verb}`,
        method: "POST",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Run", "Workflow", "Approval"],
    }),
  }),
});
