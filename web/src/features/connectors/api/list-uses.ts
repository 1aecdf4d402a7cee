import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

const PAGE = 100;

export const { useListUsesInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listUses: build.infiniteQuery<Schemas["ConnectorUses"], string, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: connectorUrl(queryArg, "uses"),
        params: pageParams(pageParam, PAGE),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["ConnectorUse"],
    }),
  }),
});
