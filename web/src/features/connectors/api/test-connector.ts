import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useTestConnectorMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    testConnector: build.mutation<Schemas["ConnectorTest"], string>({
      query: (name) => ({ url: connectorUrl(name, "test"), method: "POST" }),
      invalidatesTags: ["Connector"],
    }),
  }),
});
