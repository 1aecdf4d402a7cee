import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetNextTicksQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getNextTicks: build.query<Schemas["Ticks"], string>({
      query: (name) => `api/v1/schedules/${encodeURIComponent(name)}/ticks`,
      providesTags: (_result, _error, name) => [{ type: "Schedule", id: name }],
    }),
  }),
});
