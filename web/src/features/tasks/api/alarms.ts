import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

const URL = "api/v1/alarms";
const at = (name: string) => `${URL}/${encodeURIComponent(name)}`;

export const { useListAlarmsQuery, usePutAlarmMutation, useRemoveAlarmMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    listAlarms: build.query<Schemas["Alarms"], void>({
      query: () => URL,
      providesTags: [{ type: "Schedule", id: "alarms" }],
    }),
    putAlarm: build.mutation<Schemas["Alarm"], { name: string; order: Schemas["AlarmOrder"] }>({
      query: ({ name, order }) => ({ url: at(name), method: "PUT", body: order }),
      invalidatesTags: (_result, error) => (error ? [] : [{ type: "Schedule", id: "alarms" }]),
    }),
    removeAlarm: build.mutation<undefined, string>({
      query: (name) => ({ url: at(name), method: "DELETE" }),
      invalidatesTags: (_result, error) => (error ? [] : [{ type: "Schedule", id: "alarms" }]),
    }),
  }),
});
