import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

export const { useListWebhooksQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listWebhooks: build.query<Schemas["Webhooks"], void>({
      query: () => webhookUrl(),
      providesTags: ["Webhook"],
    }),
  }),
});
