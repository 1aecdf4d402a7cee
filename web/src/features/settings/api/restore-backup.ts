import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";

export const { useRestoreBackupMutation } = api.injectEndpoints({
  endpoints: (build) => ({
    restoreBackup: build.mutation<Schemas["StagedRestore"], string>({
      query: (name) => ({
        url: `api/v1/backups/${encodeURIComponent(name)}/restore`,
        method: "POST",
        body: { confirm: name },
      }),
      invalidatesTags: ["Backup", "Audit"],
    }),
  }),
});
