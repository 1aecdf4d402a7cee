import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useRemoveConnectorMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    removeConnector: build.mutation<Schemas["Removed"], string>({
      query: (name) => ({ url: connectorUrl(name), method: "DELETE", headers: idempotencyKey() }),
      invalidatesTags: ["Audit"], // the page reads the list again when it has let go of this one
    }),
  }),
});
