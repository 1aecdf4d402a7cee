import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  decision: "approve" | "keep";
  /** Of the version that was looked at: another one is not decided over. */
  digest: string;
}

export const { useDecideUpgradeMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    decideUpgrade: build.mutation<Schemas["Plugin"], Order>({
      query: ({ plugin, decision, digest }) => ({
        url: pluginUrl(plugin, "upgrade"),
        method: "POST",
        body: { decision, digest },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Plugin", "Grant", "Upgrade", "Version", "PluginStatus"],
    }),
  }),
});
