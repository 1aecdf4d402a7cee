import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

interface Order {
  owner: string;
  body: Schemas["MemoryOrder"];
}

export const { useStoreMemoryMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    storeMemory: build.mutation<Schemas["Memory"], Order>({
      query: ({ owner, body }) => ({
        url: "api/v1/memory",
        method: "POST",
        params: { owner },
        body,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Memory", "MemoryStats"],
    }),
  }),
});
