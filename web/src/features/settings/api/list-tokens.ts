import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 100;

export const { useListTokensInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listTokens: build.infiniteQuery<Schemas["Tokens"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/tokens", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Token"],
    }),
  }),
});
