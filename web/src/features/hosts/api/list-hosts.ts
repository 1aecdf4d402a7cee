import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListHostsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listHosts: build.query<Schemas["FleetHosts"], void>({
      query: () => "api/v1/fleet",
      providesTags: ["Host"],
    }),
  }),
});
