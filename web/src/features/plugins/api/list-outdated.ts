import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListOutdatedQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listOutdated: build.query<Schemas["OutdatedPlugins"], void>({
      query: () => "api/v1/packages/outdated",
      providesTags: ["Gallery"],
    }),
  }),
});
