import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useMemoryTiersQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    memoryTiers: build.query<Schemas["MemoryTiers"], void>({ query: () => "api/v1/memory/tiers" }),
  }),
});
