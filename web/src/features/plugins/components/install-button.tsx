import { Button } from "antd";
import { useState } from "react";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { InstallDialog } from "./install-dialog";

const words = texts.plugins.gallery;

interface Props {
  name: string;
  reference: string;
  /** The version that is here; null if none is. */
  installed: string | null;
}

/** Opens the dialog that shows a package before it is installed. For administrators. */
export function InstallButton({ name, reference, installed }: Props) {
  const [isOpen, setOpen] = useState(false);
  const mayInstall = useMay("admin");
  if (!mayInstall) return null;
  const isNew = installed === null;
  return (
    <>
      <Button
        type="primary"
        aria-label={isNew ? words.installOf(name) : words.updateOf(name)}
        onClick={() => setOpen(true)}
      >
        {isNew ? words.install : words.update}
      </Button>
      <InstallDialog
        isOpen={isOpen}
        reference={reference}
        name={name}
        installed={installed}
        onClose={() => setOpen(false)}
      />
    </>
  );
}
