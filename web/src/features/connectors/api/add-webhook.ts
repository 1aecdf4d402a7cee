import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

export const { useAddWebhookMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    addWebhook: build.mutation<Schemas["Webhook"], Schemas["WebhookOrder"]>({
      query: (body) => ({ url: webhookUrl(), method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: ["Webhook", "Audit"],
    }),
  }),
});
