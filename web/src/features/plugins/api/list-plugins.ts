import { api } from "@/shared/api/base-api";
import { cursorPages, pageParams } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";

export interface PluginFilter {
  state: string;
  q: string;
}

const PAGE = 100;

export const { useListPluginsInfiniteQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listPlugins: build.infiniteQuery<Schemas["Plugins"], PluginFilter, string | null>({
      infiniteQueryOptions: cursorPages,
      query: ({ queryArg: { state, q }, pageParam }) => ({
        url: "api/v1/plugins",
        params: pageParams(pageParam, PAGE, { state, q }),
      }),
      providesTags: ["Plugin"],
    }),
  }),
});
