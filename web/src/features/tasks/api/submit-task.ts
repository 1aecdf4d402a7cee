import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useSubmitTaskMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    submitTask: build.mutation<Schemas["Task"], Schemas["TaskOrder"]>({
      query: (body) => ({ url: "api/v1/tasks", method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: ["Task", "Queue"],
    }),
  }),
});
