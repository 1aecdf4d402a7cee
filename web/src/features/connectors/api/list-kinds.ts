import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

import { connectorUrl } from "./urls";

export const { useListKindsQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    listKinds: build.query<Schemas["ConnectorKinds"], void>({ query: () => connectorUrl("kinds") }),
  }),
});
