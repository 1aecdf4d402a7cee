import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowPluginConfigQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showPluginConfig: build.query<Schemas["PluginConfig"], string>({
      query: (plugin) => pluginUrl(plugin, "config"),
      providesTags: ["Config"],
    }),
  }),
});
