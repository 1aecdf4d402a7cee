import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetHealthQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getHealth: build.query<Schemas["Health"], void>({
      query: () => "api/v1/health",
      providesTags: ["Health"],
    }),
  }),
});
