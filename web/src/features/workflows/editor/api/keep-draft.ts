import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { draftUrl } from "./urls";

interface Order extends Pick<Schemas["DraftLine"], "revision" | "number" | "digest"> {
  draft: string;
  text: string;
}

export const { useKeepDraftMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    keepDraft: build.mutation<Schemas["DraftLine"], Order>({
      query: ({ draft, ...body }) => ({ url: draftUrl(draft), method: "PUT", body }),
    }),
  }),
});
