import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  state: "enabled" | "disabled";
}

export const { useSwitchPluginMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    switchPlugin: build.mutation<Schemas["Plugin"], Order>({
      query: ({ plugin, state }) => ({ url: pluginUrl(plugin, "state"), method: "PUT", body: { state } }),
      invalidatesTags: ["Plugin", "PluginStatus"],
    }),
  }),
});
