import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useAddConnectorMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    addConnector: build.mutation<Schemas["Connector"], Schemas["ConnectorOrder"]>({
      query: (body) => ({ url: connectorUrl(), method: "POST", body, headers: idempotencyKey() }),
      invalidatesTags: ["Connector", "Audit"],
    }),
  }),
});
