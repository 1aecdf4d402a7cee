import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetSeriesQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getSeries: build.query<Schemas["Series"], number>({
      query: (minutes) => ({ url: "api/v1/metrics/series", params: { minutes } }),
      providesTags: ["Series"],
    }),
  }),
});
