import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetHostQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getHost: build.query<Schemas["Host"], void>({
      query: () => "api/v1/host",
      providesTags: ["Host"],
    }),
  }),
});
