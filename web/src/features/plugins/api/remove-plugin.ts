import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";

import { pluginUrl } from "./plugin-url";

export const { useRemovePluginMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removePlugin: build.mutation<null, string>({
      query: (plugin) => ({ url: pluginUrl(plugin), method: "DELETE", headers: idempotencyKey() }),
      // It makes nothing old: its own page would be read again in vain before it is left.
    }),
  }),
});
