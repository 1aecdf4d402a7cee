import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

interface Filter {
  owner: string;
  /** Empty for all that is the owner's alone. */
  tier: string;
}

const PAGE = 100;

export const { useListMemoriesInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listMemories: build.infiniteQuery<Schemas["Memories"], Filter, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: "api/v1/memory",
        params: pageParams(pageParam, PAGE, { ...queryArg }),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: [{ type: "Memory", id: "LIST" }],
    }),
  }),
});
