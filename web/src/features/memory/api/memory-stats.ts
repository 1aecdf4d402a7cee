import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useMemoryStatsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    memoryStats: build.query<Schemas["MemoryStats"], void>({
      query: () => "api/v1/memory/stats",
      providesTags: ["MemoryStats"],
    }),
  }),
});
