import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListSettingsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listSettings: build.query<Schemas["Settings"], void>({
      query: () => "api/v1/settings",
      providesTags: ["Setting"],
    }),
  }),
});
