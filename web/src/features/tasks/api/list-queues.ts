import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useListQueuesQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listQueues: build.query<Schemas["Queues"], void>({
      query: () => "api/v1/queues",
      providesTags: ["Queue"],
    }),
  }),
});
