import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListPalettePluginsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listPalettePlugins: build.query<Schemas["Plugins"], void>({
      query: () => ({ url: "api/v1/plugins", params: { limit: 500 } }),
      providesTags: ["Plugin"],
    }),
  }),
});
