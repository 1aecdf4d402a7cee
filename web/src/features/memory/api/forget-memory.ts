import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useForgetMemoryMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    forgetMemory: build.mutation<Schemas["MemoriesForgotten"], string>({
      query: (id) => ({
        url: `api/v1/memory/${encodeURIComponent(id)}`,
        method: "DELETE",
        headers: idempotencyKey(),
      }),
      // Not the memory itself, which is still shown for a moment: whoever asks for it is told that it is gone.
      invalidatesTags: ["MemoryStats", { type: "Memory", id: "LIST" }],
    }),
  }),
});
