import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

interface Order {
  id: string;
  change: Schemas["MemoryChange"];
}

export const { useChangeMemoryMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    changeMemory: build.mutation<Schemas["Memory"], Order>({
      query: ({ id, change }) => ({
        url: `api/v1/memory/${encodeURIComponent(id)}`,
        method: "POST",
        body: change,
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Memory", "MemoryStats"],
    }),
  }),
});
