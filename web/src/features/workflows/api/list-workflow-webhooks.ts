import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListWorkflowWebhooksQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listWorkflowWebhooks: build.query<Schemas["Webhooks"], void>({
      query: () => "api/v1/webhooks",
      providesTags: ["Webhook"],
    }),
  }),
});
