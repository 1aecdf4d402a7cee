import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowUpgradeQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showUpgrade: build.query<Schemas["Upgrade"], string>({
      query: (plugin) => pluginUrl(plugin, "upgrade"),
      providesTags: ["Upgrade"],
    }),
  }),
});
