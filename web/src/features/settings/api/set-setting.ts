import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useSetSettingMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    setSetting: build.mutation<Schemas["Setting"], { name: string; value: unknown }>({
      query: ({ name, value }) => ({
        url: `api/v1/settings/${encodeURIComponent(name)}`,
        method: "PUT",
        body: { value },
      }),
      invalidatesTags: ["Setting", "Audit"],
    }),
  }),
});
