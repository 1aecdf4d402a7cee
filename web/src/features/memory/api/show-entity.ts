import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Asked {
  name: string;
  owner: string;
}

export const { useShowEntityQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showEntity: build.query<Schemas["MemoryEntity"], Asked>({
      query: ({ name, owner }) => ({
        url: `api/v1/memory/entities/${encodeURIComponent(name)}`,
        params: { owner },
      }),
      providesTags: [{ type: "Memory", id: "LIST" }],
    }),
  }),
});
