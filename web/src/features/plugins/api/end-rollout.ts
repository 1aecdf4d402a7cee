import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  /** All calls to the new version, or back to the one before; or a rest at the present share, and its end. */
  order: "promote" | "stop" | "pause" | "resume";
}

export const { useEndRolloutMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    endRollout: build.mutation<Schemas["Rollout"], Order>({
      query: ({ plugin, order }) => ({
        url: pluginUrl(plugin, "rollout", order),
        method: "POST",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Rollout", "Plugin", "Version", "PluginStatus", "Upgrade"],
    }),
  }),
});
