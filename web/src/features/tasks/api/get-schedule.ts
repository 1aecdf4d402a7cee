import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useGetScheduleQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getSchedule: build.query<Schemas["Schedule"], string>({
      query: (name) => `api/v1/schedules/${encodeURIComponent(name)}`,
      providesTags: (_result, _error, name) => [{ type: "Schedule", id: name }],
    }),
  }),
});
