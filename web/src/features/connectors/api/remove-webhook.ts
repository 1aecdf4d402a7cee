import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

export const { useRemoveWebhookMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeWebhook: build.mutation<Schemas["Removed"], string>({
      query: (name) => ({ url: webhookUrl(name), method: "DELETE", headers: idempotencyKey() }),
      invalidatesTags: ["Audit"],
    }),
  }),
});
