import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

interface Order {
  plugin: string;
  capability: string;
}

export const { useTakeGrantMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    takeGrant: build.mutation<Schemas["Grants"], Order>({
      query: ({ plugin, capability }) => ({
        url: pluginUrl(plugin, "grants", capability),
        method: "DELETE",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Plugin", "Grant", "Upgrade", "Version"],
    }),
  }),
});
