import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { putTask } from "./put-task";

export const { useCancelTaskMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    cancelTask: build.mutation<Schemas["TaskCancelled"], Schemas["Task"]>({
      query: ({ id }) => ({ url: `api/v1/tasks/${id}/cancel`, method: "POST", headers: idempotencyKey() }),
      onQueryStarted: async (task, { dispatch, queryFulfilled }) => {
        const answer = await queryFulfilled.catch(() => undefined);
        if (answer?.data.cancelled) dispatch(putTask({ ...task, state: "cancelled" }));
      },
      invalidatesTags: ["Task", "Queue"],
    }),
  }),
});
