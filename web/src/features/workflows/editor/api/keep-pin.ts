import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useKeepPinMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    keepPin: build.mutation<Schemas["Pin"], { workflow: string; step: string; value: unknown }>({
      query: ({ workflow, ...body }) => ({ url: `${workflowUrl(workflow)}/pins`, method: "PUT", body }),
      invalidatesTags: ["Pin"],
    }),
  }),
});
