import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

import type { TaskFilter } from "../logic/task-filter";

const PAGE = 100;
/** Lists of more pages are not read again after every event: that would be all of their pages each second. */
export const FEW_PAGES = 3;

export const tasksApi = api.injectEndpoints({
  endpoints: (build) => ({
    listTasks: build.infiniteQuery<Schemas["Tasks"], TaskFilter, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: "api/v1/tasks",
        params: pageParams(pageParam, PAGE, { ...queryArg }),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: (result) => (result && result.pages.length > FEW_PAGES ? [] : ["Task"]),
    }),
  }),
});

export const { useListTasksInfiniteQuery } = tasksApi;
