import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  /** Null is all that it asks for. */
  capability: string | null;
  /** Of the version that was looked at; null while it is not known. */
  digest: string | null;
}

export const { useGiveGrantMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    giveGrant: build.mutation<Schemas["Grants"], Order>({
      query: ({ plugin, capability, digest }) => ({
        url: pluginUrl(plugin, "grants"),
        method: "POST",
        body: { capability, digest },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Plugin", "Grant", "Upgrade", "Version"],
    }),
  }),
});
