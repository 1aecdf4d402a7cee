import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetHostQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getHost: build.query<Schemas["FleetHostView"], string>({
      query: (host) => `api/v1/fleet/${encodeURIComponent(host)}`,
      providesTags: ["Host"],
    }),
  }),
});
