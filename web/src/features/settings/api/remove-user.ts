import { api } from "@/shared/api/base-api";

export const { useRemoveUserMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeUser: build.mutation<null, string>({
      query: (name) => ({ url: `api/v1/users/${encodeURIComponent(name)}`, method: "DELETE" }),
      invalidatesTags: ["User", "Sessions", "Token", "Audit", "Session"],
    }),
  }),
});
