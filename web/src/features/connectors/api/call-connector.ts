import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

interface Order {
  name: string;
  action: string;
  input: unknown;
}

export const { useCallConnectorMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    callConnector: build.mutation<Schemas["ConnectorOutput"], Order>({
      query: ({ name, action, input }) => ({
        url: connectorUrl(name, "actions", action),
        method: "POST",
        body: { input },
        headers: idempotencyKey(),
      }),
      invalidatesTags: ["Connector", "ConnectorUse"],
    }),
  }),
});
