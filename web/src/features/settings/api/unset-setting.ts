import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useUnsetSettingMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    unsetSetting: build.mutation<Schemas["Setting"], string>({
      query: (name) => ({ url: `api/v1/settings/${encodeURIComponent(name)}`, method: "DELETE" }),
      invalidatesTags: ["Setting", "Audit"],
    }),
  }),
});
