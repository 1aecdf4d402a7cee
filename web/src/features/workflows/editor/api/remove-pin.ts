import { api } from "@/shared/api/base-api";

import { workflowUrl } from "./urls";

export const { useRemovePinMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removePin: build.mutation<null, { workflow: string; step: string }>({
      query: ({ workflow, step }) => ({
        url: `${workflowUrl(workflow)}/pins`,
        method: "DELETE",
        params: { step },
      }),
      invalidatesTags: ["Pin"],
    }),
  }),
});
