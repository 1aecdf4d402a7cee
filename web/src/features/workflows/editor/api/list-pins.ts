import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { workflowUrl } from "./urls";

export const { useListPinsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    /** Outputs that stand for steps in trials. */
    listPins: build.query<Schemas["Pins"], string>({
      query: (workflow) => `${workflowUrl(workflow)}/pins`,
      providesTags: ["Pin"],
    }),
  }),
});
