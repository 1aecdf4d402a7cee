import { api } from "@/shared/api/base-api";

export const { useEndSessionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    endSession: build.mutation<null, string>({
      query: (id) => ({ url: `api/v1/sessions/${encodeURIComponent(id)}`, method: "DELETE" }),
      invalidatesTags: ["Sessions", "Audit", "Session"],
    }),
  }),
});
