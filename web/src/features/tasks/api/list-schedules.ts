import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 100;

export const { useListSchedulesInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listSchedules: build.infiniteQuery<Schemas["Schedules"], void, string | null>({
      query: ({ pageParam }) => ({ url: "api/v1/schedules", params: pageParams(pageParam, PAGE) }),
      infiniteQueryOptions: cursorPages,
      providesTags: [{ type: "Schedule", id: "list" }],
    }),
  }),
});
