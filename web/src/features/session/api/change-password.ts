import { api } from "@/shared/api/base-api";
import { keepCsrf, type Session } from "@/shared/api/session";
import type { Schemas } from "@/shared/api/types";

export const { useChangePasswordMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    changePassword: build.mutation<Session, Schemas["PasswordChange"]>({
      query: (body) => ({ url: "api/v1/session/password", method: "PUT", body }),
      transformResponse: keepCsrf,
      invalidatesTags: ["Session", "Sessions"],
    }),
  }),
});
