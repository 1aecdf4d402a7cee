import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Place {
  search: string;
  candidate: number;
}

const url = (search: string, ...rest: string[]) =>
  ["api/v1/evolutions", ...[search, ...rest].map(encodeURIComponent)].join("/");

export const { useShowEvolutionQuery, useShowCandidateQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    showEvolution: build.query<Schemas["Evolution"], string>({
      query: (search) => url(search),
      providesTags: ["Evolution"],
    }),
    showCandidate: build.query<Schemas["EvolutionDocument"], Place>({
      query: ({ search, candidate }) => url(search, "candidates", String(candidate)),
    }),
  }),
});
