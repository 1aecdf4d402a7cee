import { api } from "@/shared/api/base-api";

export const { useRemoveTokenMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeToken: build.mutation<null, string>({
      query: (id) => ({ url: `api/v1/tokens/${encodeURIComponent(id)}`, method: "DELETE" }),
      invalidatesTags: ["Token", "Audit"],
    }),
  }),
});
