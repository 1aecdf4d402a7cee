import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useRetryDeadTasksMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    /** One batch; the answer says whether more are left, and `before` keeps out what failed since. */
    retryDeadTasks: build.mutation<Schemas["TasksRetried"], Schemas["TasksRetry"]>({
      query: (body) => ({ url: "api/v1/tasks/retry", method: "POST", body }),
      invalidatesTags: ["Task", "Queue"],
    }),
  }),
});
