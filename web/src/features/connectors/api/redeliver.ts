import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

interface Order {
  webhook: string;
  delivery: string;
}

export const { useRedeliverMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    redeliver: build.mutation<Schemas["Status"], Order>({
      query: ({ webhook, delivery }) => ({
        url: webhookUrl(webhook, "deliveries", delivery, "redeliver"),
        method: "POST",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Delivery"],
    }),
  }),
});
