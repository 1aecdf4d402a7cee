import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowRolloutQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showRollout: build.query<Schemas["RolloutProgress"], string>({
      query: (plugin) => pluginUrl(plugin, "rollout"),
      providesTags: ["Rollout"],
    }),
  }),
});
