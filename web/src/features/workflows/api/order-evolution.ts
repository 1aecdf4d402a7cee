import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

interface Order {
  search: string;
  /** An end before its time; its proposal as the next version; the version before that again. */
  order: "stop" | "promote" | "rollback";
}

export const { useOrderEvolutionMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    orderEvolution: build.mutation<Schemas["Evolution"], Order>({
      query: ({ search, order }) => ({
        url: `api/v1/evolutions/${encodeURIComponent(search)}/${order}`,
        method: "POST",
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Evolution", "Workflow"],
    }),
  }),
});
