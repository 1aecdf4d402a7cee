import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

interface Asked {
  webhook: string;
  delivery: string;
}

export const { useShowDeliveryQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showDelivery: build.query<Schemas["WebhookDeliveryBody"], Asked>({
      query: ({ webhook, delivery }) => webhookUrl(webhook, "deliveries", delivery),
      providesTags: ["Delivery"],
    }),
  }),
});
