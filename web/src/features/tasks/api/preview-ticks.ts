import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

interface Asked {
  kind: Schemas["Schedule"]["kind"];
  spec: string;
  timezone: string;
}

export const { usePreviewTicksQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    previewTicks: build.query<Schemas["Ticks"], Asked>({
      query: (asked) => ({ url: "api/v1/ticks", params: { ...asked } }),
      keepUnusedDataFor: 5,
    }),
  }),
});
