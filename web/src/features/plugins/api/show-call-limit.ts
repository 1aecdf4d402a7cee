import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowCallLimitQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showCallLimit: build.query<Schemas["CallLimitView"], string>({
      query: (plugin) => pluginUrl(plugin, "limit"),
      providesTags: ["PluginStatus"],
    }),
  }),
});
