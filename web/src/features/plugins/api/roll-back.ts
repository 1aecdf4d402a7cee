import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  hash: string;
}

export const { useRollBackMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    rollBack: build.mutation<Schemas["Plugin"], Order>({
      query: ({ plugin, hash }) => ({
        url: pluginUrl(plugin, "rollback"),
        method: "POST",
        body: { hash },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Plugin", "Grant", "Upgrade", "Version", "PluginStatus"],
    }),
  }),
});
