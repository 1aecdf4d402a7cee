import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useChangeUserMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    changeUser: build.mutation<Schemas["User"], { name: string; change: Schemas["UserChange"] }>({
      query: ({ name, change }) => ({
        url: `api/v1/users/${encodeURIComponent(name)}`,
        method: "PUT",
        body: change,
      }),
      invalidatesTags: ["User", "Sessions", "Audit", "Session"],
    }),
  }),
});
