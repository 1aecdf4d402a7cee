import { api } from "@/shared/api/base-api";

export const { useRemoveScheduleMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeSchedule: build.mutation<undefined, string>({
      query: (name) => ({ url: `api/v1/schedules/${encodeURIComponent(name)}`, method: "DELETE" }),
      // The list only: what is open of it would be read again, and not be found.
      invalidatesTags: (_result, error) => (error ? [] : [{ type: "Schedule", id: "list" }]),
    }),
  }),
});
