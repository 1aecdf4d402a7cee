import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListHomeApprovalsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listHomeApprovals: build.query<Schemas["Approvals"], number>({
      query: (limit) => ({ url: "api/v1/approvals", params: { limit } }),
      providesTags: ["Approval"],
    }),
  }),
});
