import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useMakeWebhookMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    makeWebhook: build.mutation<Schemas["Webhook"], Schemas["WebhookOrder"]>({
      query: (body) => ({ url: "api/v1/webhooks", method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: ["Webhook", "Audit"],
    }),
  }),
});
