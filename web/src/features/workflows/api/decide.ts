import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

export const { useDecideMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    decide: build.mutation<undefined, Schemas["Decision"] & { run: string }>({
      query: ({ run, ...body }) => ({
        url: `${runUrl(run)}/approvals`,
        method: "POST",
        body,
        headers: idempotencyKey(),
      }),
      // Also where it is refused: somebody else may have decided.
      invalidatesTags: ["Approval", "Run"],
    }),
  }),
});
