import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 100;

export const { useListSessionsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listSessions: build.infiniteQuery<Schemas["Sessions"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/sessions", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Sessions"],
    }),
  }),
});
