import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useVerifyAuditMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    verifyAudit: build.mutation<Schemas["AuditVerdict"], Schemas["AuditCheck"]>({
      query: (body) => ({ url: "api/v1/audit/verify", method: "POST", body }),
    }),
  }),
});
