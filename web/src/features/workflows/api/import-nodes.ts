import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useImportNodesMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    /** A workflow in OmniFlow's node form. */
    importNodes: build.mutation<Schemas["PlainWorkflow"], unknown>({
      query: (body) => ({ url: "api/workflows", method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: (result) => (result ? ["Workflow", "Audit"] : []),
    }),
  }),
});
