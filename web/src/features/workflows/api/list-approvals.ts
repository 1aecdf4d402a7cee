import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 50;

export const { useListApprovalsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** Those that whoever asks may decide; of one run, if it is named. */
    listApprovals: build.infiniteQuery<Schemas["Approvals"], { run: string } | void, string | null>({
      query: ({ queryArg, pageParam }) => ({
        url: "api/v1/approvals",
        params: pageParams(pageParam, PAGE, queryArg ?? {}),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: ["Approval"],
    }),
  }),
});
