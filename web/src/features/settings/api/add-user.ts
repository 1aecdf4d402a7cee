import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useAddUserMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    addUser: build.mutation<Schemas["User"], Schemas["UserOrder"]>({
      query: (body) => ({ url: "api/v1/users", method: "POST", body }),
      invalidatesTags: ["User", "Audit", "Session"],
    }),
  }),
});
