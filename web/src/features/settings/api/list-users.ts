import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 100;

export const { useListUsersInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listUsers: build.infiniteQuery<Schemas["Users"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/users", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["User"],
    }),
  }),
});
