import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

const MOST = 50;

export const { useCountApprovalsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    countApprovals: build.query<Schemas["Approvals"], void>({
      query: () => ({ url: "api/v1/approvals", params: { limit: MOST } }),
      providesTags: ["Approval"],
    }),
  }),
});
