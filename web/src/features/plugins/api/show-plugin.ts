import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useShowPluginQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showPlugin: build.query<Schemas["Plugin"], string>({
      query: (plugin) => pluginUrl(plugin),
      providesTags: ["Plugin"],
    }),
  }),
});
