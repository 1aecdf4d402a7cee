import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useAddTokenMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    addToken: build.mutation<Schemas["NewToken"], Schemas["TokenOrder"]>({
      query: (body) => ({ url: "api/v1/tokens", method: "POST", body }),
      invalidatesTags: ["Token", "Audit"],
    }),
  }),
});
