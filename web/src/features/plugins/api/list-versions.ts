import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { pluginUrl } from "./plugin-url";

export const { useListVersionsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listVersions: build.query<Schemas["Versions"], string>({
      query: (plugin) => pluginUrl(plugin, "versions"),
      providesTags: ["Version"],
    }),
  }),
});
