import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 50;

export const { useListEvolutionsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listEvolutions: build.infiniteQuery<Schemas["Evolutions"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/evolutions", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Evolution"],
    }),
  }),
});
