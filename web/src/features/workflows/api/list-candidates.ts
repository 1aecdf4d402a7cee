import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 500;

export const { useListCandidatesInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listCandidates: build.infiniteQuery<Schemas["EvolutionCandidates"], string, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: `api/v1/evolutions/${encodeURIComponent(queryArg)}/candidates`,
        params: pageParams(pageParam, PAGE),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Evolution"],
    }),
  }),
});
