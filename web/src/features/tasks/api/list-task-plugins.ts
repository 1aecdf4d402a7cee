import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListTaskPluginsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listTaskPlugins: build.query<Schemas["Plugins"], void>({
      query: () => ({ url: "api/v1/plugins", params: { limit: 500 } }),
      providesTags: ["Plugin"],
    }),
  }),
});
