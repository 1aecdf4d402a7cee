import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  values: Record<string, unknown>;
}

export const { useSetPluginConfigMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    setPluginConfig: build.mutation<Schemas["PluginConfig"], Order>({
      query: ({ plugin, values }) => ({ url: pluginUrl(plugin, "config"), method: "PUT", body: { values } }),
      invalidatesTags: ["Config", "Plugin"],
    }),
  }),
});
