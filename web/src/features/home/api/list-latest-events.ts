import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListLatestEventsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listLatestEvents: build.query<Schemas["Events"], number>({
      query: (limit) => ({ url: "api/v1/events", params: { limit } }),
      providesTags: ["Event"],
    }),
  }),
});
