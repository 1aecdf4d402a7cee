import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

import type { RunFilter } from "../logic/run-filter";

const PAGE = 50;
/** Lists of more pages are not read again after every event: that would be all of their pages each second. */
export const FEW_PAGES = 3;

export const { useListRunsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listRuns: build.infiniteQuery<Schemas["Runs"], RunFilter, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: "api/v1/runs",
        params: pageParams(pageParam, PAGE, { ...queryArg }),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: (result) => (result && result.pages.length > FEW_PAGES ? [] : ["Run"]),
    }),
  }),
});
