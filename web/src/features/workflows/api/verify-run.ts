import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { runUrl } from "../editor/api/urls";

export const { useLazyVerifyRunQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    verifyRun: build.query<Schemas["RunAudit"], string>({ query: (run) => `${runUrl(run)}/audit` }),
  }),
});
