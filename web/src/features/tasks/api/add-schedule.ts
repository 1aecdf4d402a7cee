import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useAddScheduleMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    addSchedule: build.mutation<Schemas["Schedule"], Schemas["ScheduleOrder"]>({
      query: (body) => ({ url: "api/v1/schedules", method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: ["Schedule"],
    }),
  }),
});
