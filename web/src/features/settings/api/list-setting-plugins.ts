import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

/** The names of the plugins, to choose from. */
export const { useListSettingPluginsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listSettingPlugins: build.query<string[], void>({
      query: () => ({ url: "api/v1/plugins", params: { limit: 500 } }),
      transformResponse: (answer: Schemas["Plugins"]) => answer.items.map((plugin) => plugin.name),
      providesTags: ["Plugin"],
    }),
  }),
});
