import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListHomePluginsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listHomePlugins: build.query<Schemas["Plugins"], void>({
      query: () => ({ url: "api/v1/plugins", params: { limit: 500 } }),
      providesTags: ["Plugin"],
    }),
  }),
});
