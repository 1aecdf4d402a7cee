import { api } from "@/shared/api/base-api";
import { keepCsrf, type Session } from "@/shared/api/session";
import { TAGS } from "@/shared/api/tags";
import type { Schemas } from "@/shared/api/types";

export const { useCreateSetupMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    createSetup: build.mutation<Session, Schemas["SetupOrder"]>({
      query: (body) => ({ url: "api/v1/setup", method: "POST", body }),
      transformResponse: keepCsrf,
      invalidatesTags: TAGS, // what somebody else was shown here before is forgotten
    }),
  }),
});
