import { api } from "@/shared/api/base-api";
import { idempotencyKey } from "@/shared/api/base-query";
import type { Schemas } from "@/shared/api/types";

export const { useInstallPackageMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    installPackage: build.mutation<Schemas["Plugin"], Schemas["InstallOrder"]>({
      query: (order) => ({ url: "api/v1/packages", method: "POST", body: order, headers: idempotencyKey() }),
      invalidatesTags: ["Gallery", "Plugin", "Upgrade", "Version", "Grant"],
    }),
  }),
});
