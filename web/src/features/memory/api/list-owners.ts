import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 200;

export const { useListMemoryOwnersInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listMemoryOwners: build.infiniteQuery<Schemas["MemoryOwners"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/memory/owners", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["MemoryStats"],
    }),
  }),
});
