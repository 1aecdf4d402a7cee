import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  decision: "approve" | "keep";
}

export const { useDecideUpgradeMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    decideUpgrade: build.mutation<Schemas["Plugin"], Order>({
      query: ({ plugin, decision }) => ({
        url: pluginUrl(plugin, "upgrade"),
        method: "POST",
        body: { decision },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Plugin", "Grant", "Upgrade", "Version", "PluginStatus"],
    }),
  }),
});
