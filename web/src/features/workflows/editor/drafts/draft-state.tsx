import { Button } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { StateTag } from "@/shared/ui/state-tag";

import type { KeptState } from "./keeper";

const words = texts.workflowsEditor.drafts;
const TONES = { host: "good", browser: "calm", nowhere: "bad" } as const;

/** Where the text is kept that is not saved. */
export function DraftTag({ state }: { state: KeptState }) {
  return state === "none" ? null : (
    <span role="status">
      <StateTag state="draft" tone={TONES[state]} label={words.states[state]} />
    </span>
  );
}

/** Gives up what is not saved, once that is confirmed. */
export function DiscardButton({ onDiscard }: { onDiscard: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button type="text" onClick={() => setOpen(true)}>
        {words.discard}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        title={words.discardTitle}
        action={words.discard}
        onConfirm={() => {
          setOpen(false);
          onDiscard();
        }}
        onClose={() => setOpen(false)}
      >
        {words.discardText}
      </ConfirmDialog>
    </>
  );
}
