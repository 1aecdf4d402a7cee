import { api } from "./base-api";

export const { useDeleteSessionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    deleteSession: build.mutation<null, void>({
      query: () => ({ url: "api/v1/session", method: "DELETE" }),
      invalidatesTags: ["Session"],
    }),
  }),
});
