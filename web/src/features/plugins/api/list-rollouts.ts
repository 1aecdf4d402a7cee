import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListRolloutsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listRollouts: build.query<Schemas["RolloutList"], void>({
      query: () => "api/v1/rollouts",
      providesTags: ["Rollout"],
    }),
  }),
});
