import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Switch {
  name: string;
  enabled: boolean;
}

export const { useSwitchScheduleMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    switchSchedule: build.mutation<Schemas["Schedule"], Switch>({
      query: ({ name, enabled }) => ({
        url: `api/v1/schedules/${encodeURIComponent(name)}`,
        method: "PUT",
        body: { enabled },
      }),
      invalidatesTags: ["Schedule"],
    }),
  }),
});
