import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useShowMemoryQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showMemory: build.query<Schemas["Memory"], string>({
      query: (id) => `api/v1/memory/${encodeURIComponent(id)}`,
      providesTags: (_answer, _error, id) => [{ type: "Memory", id }],
    }),
  }),
});
