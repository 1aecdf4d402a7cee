import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowPluginStatusQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showPluginStatus: build.query<Schemas["PluginStatus"], string>({
      query: (plugin) => pluginUrl(plugin, "status"),
      providesTags: ["PluginStatus"],
    }),
  }),
});
