import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useLookAtPackageQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    lookAtPackage: build.query<Schemas["PackageLook"], string>({
      query: (reference) => ({ url: "api/v1/packages/look", method: "POST", body: { reference } }),
      keepUnusedDataFor: 0, // what is decided over was fetched for the decision
    }),
  }),
});
