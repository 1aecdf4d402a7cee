import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { draftUrl } from "./urls";

export const { useLazyGetDraftQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    getDraft: build.query<Schemas["DraftShown"], string>({ query: draftUrl, keepUnusedDataFor: 0 }),
  }),
});
