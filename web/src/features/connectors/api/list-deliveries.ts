import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

import { webhookUrl } from "./urls";

const PAGE = 100;

export const { useListDeliveriesInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listDeliveries: build.infiniteQuery<Schemas["WebhookDeliveries"], string, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: webhookUrl(queryArg, "deliveries"),
        params: pageParams(pageParam, PAGE),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Delivery"],
    }),
  }),
});
