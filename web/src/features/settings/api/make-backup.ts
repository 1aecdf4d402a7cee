import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useMakeBackupMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    makeBackup: build.mutation<Schemas["Backup"], void>({
      query: () => ({ url: "api/v1/backups", method: "POST" }),
      invalidatesTags: ["Backup", "Audit"],
    }),
  }),
});
