import { api } from "@/shared/api/base-api";
import { keepCsrf, type Session } from "@/shared/api/session";
import { TAGS } from "@/shared/api/tags";
import type { Schemas } from "@/shared/api/types";

export const { useCreateSessionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    createSession: build.mutation<Session, Schemas["Credentials"]>({
      query: (body) => ({ url: "api/v1/session", method: "POST", body }),
      transformResponse: keepCsrf,
      invalidatesTags: TAGS, // what somebody else was shown here before is forgotten
    }),
  }),
});
