import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useConsolidateMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    consolidate: build.mutation<Schemas["Consolidated"], void>({
      query: () => ({ url: "api/v1/memory/consolidate", method: "POST", headers: idempotencyKey() }),
      invalidatesTags: ["Memory", "MemoryStats"],
    }),
  }),
});
