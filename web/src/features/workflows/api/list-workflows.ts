import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

const PAGE = 50;

export const { useListWorkflowsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** By name; the argument is part of a name or a title. */
    listWorkflows: build.infiniteQuery<Schemas["Workflows"], string, string | null>({
      query: ({ pageParam, queryArg }) => ({
        url: "api/v1/workflows",
        params: pageParams(pageParam, PAGE, { q: queryArg }),
      }),
      infiniteQueryOptions: cursorPages,
      providesTags: [{ type: "Workflow", id: "list" }],
    }),
  }),
});
