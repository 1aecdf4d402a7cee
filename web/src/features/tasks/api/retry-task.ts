import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { putTask } from "./put-task";

export const { useRetryTaskMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    retryTask: build.mutation<Schemas["Task"], string>({
      query: (task) => ({ url: `api/v1/tasks/${task}/retry`, method: "POST", headers: idempotencyKey() }),
      onQueryStarted: async (_task, { dispatch, queryFulfilled }) => {
        const answer = await queryFulfilled.catch(() => undefined);
        if (answer) dispatch(putTask(answer.data));
      },
      invalidatesTags: ["Task", "Queue"],
    }),
  }),
});
