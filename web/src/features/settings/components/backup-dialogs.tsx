import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";

import { useDeleteBackupMutation } from "../api/delete-backup";
import { useRestoreBackupMutation } from "../api/restore-backup";

export interface BackupDoing {
  what: "restore" | "remove";
  name: string;
}

/** Asks before a backup is put back or deleted. */
export function BackupDialogs({ doing, onClose }: { doing: BackupDoing | undefined; onClose: () => void }) {
  if (!doing) return null;
  const Dialog = doing.what === "restore" ? RestoreDialog : RemoveDialog;
  return <Dialog name={doing.name} onClose={onClose} />;
}

function RestoreDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [restore, { isLoading, error }] = useRestoreBackupMutation();
  const words = texts.settings.backups;
  return (
    <ConfirmDialog
      isOpen
      title={words.restoreTitle(name)}
      action={words.restore}
      name={name}
      isBusy={isLoading}
      problem={error}
      onConfirm={() =>
        void restore(name).then((answer) => {
          if (!answer.error) onClose();
        })
      }
      onClose={onClose}
    >
      {words.restoreText}
    </ConfirmDialog>
  );
}

function RemoveDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [remove, { isLoading, error }] = useDeleteBackupMutation();
  const words = texts.settings.backups;
  return (
    <ConfirmDialog
      isOpen
      title={words.removeTitle(name)}
      action={words.remove}
      name={name}
      isBusy={isLoading}
      problem={error}
      onConfirm={() =>
        void remove(name).then((answer) => {
          if (!answer.error) onClose();
        })
      }
      onClose={onClose}
    >
      {words.removeText}
    </ConfirmDialog>
  );
}
