import { api } from "@/shared/api/base-api";

export const { useRemoveHostMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeHost: build.mutation<void, string>({
      query: (host) => ({ url: `api/v1/fleet/${encodeURIComponent(host)}`, method: "DELETE" }),
      invalidatesTags: ["Host"],
    }),
  }),
});
