import type { Schemas } from "@/shared/api/types";

import { ContinueDialog } from "../components/continue-dialog";
import type { Path } from "./model/path";
import { NamingDialog } from "./naming-dialog";
import type { Offer } from "./model/templates";
import { InsertDialog } from "./palette/insert-dialog";
import { ConflictDialog } from "./runs/conflict-dialog";
import { type Part, TrialDialog } from "./runs/trial-dialog";
import type { ShownRun } from "./runs/use-shown-run";
import { VersionsDrawer } from "./runs/versions-drawer";
import type { Editor } from "./use-editor";
import { idOf, nameOf, type useSaving } from "./use-saving";

export type OpenDialog =
  | { kind: "insert"; list: Path; index: number }
  | { kind: "versions" }
  | { kind: "trial"; part: Part }
  | { kind: "continue"; version: number }
  | { kind: "naming" };

const WHOLE: Part = {};

interface Props {
  editor: Editor;
  dialog: OpenDialog | undefined;
  offers: readonly Offer[];
  saving: ReturnType<typeof useSaving>;
  shown: ShownRun;
  onClose: () => void;
  onChoose: (offer: Offer, list: Path, index: number) => void;
  onStarted: (run: Schemas["Run"]) => void;
  onSaveMine: (digest: string) => void;
  /** The first time, with its name. */
  onSaveNew: (text: string) => void;
  /** Somebody else's version took the place of what was edited. */
  onTaken: (text: string) => void;
}

function focusOn(pointer: string | undefined): void {
  // In the next frame: the dialog gives the focus back first, to what may be gone.
  requestAnimationFrame(() => {
    const steps = [...document.querySelectorAll<HTMLElement>("[data-pointer]")];
    const found = steps.find((one) => one.dataset["pointer"] === pointer);
    (found ?? document.querySelector<HTMLElement>("[data-flow]"))?.focus({ preventScroll: true });
  });
}

/** What opens above the editor. */
export function EditorDialogs(props: Props) {
  const { editor, dialog, offers, saving, shown, onClose, onChoose, onStarted, onSaveMine, onTaken } = props;
  const { base, theirs } = saving;
  return (
    <>
      <InsertDialog
        isOpen={dialog?.kind === "insert"}
        afterClose={() => focusOn(editor.selected[editor.selected.length - 1])}
        offers={offers}
        onClose={onClose}
        onChoose={(offer) => {
          if (dialog?.kind === "insert") onChoose(offer, dialog.list, dialog.index);
          onClose();
        }}
      />
      {base && (
        <VersionsDrawer
          isOpen={dialog?.kind === "versions"}
          workflow={idOf(base)}
          text={editor.text}
          onClose={onClose}
          onTake={(text) => {
            editor.edit(() => ({ text, selected: [] }));
            onClose();
          }}
        />
      )}
      <TrialDialog
        isOpen={dialog?.kind === "trial"}
        part={dialog?.kind === "trial" ? dialog.part : WHOLE}
        workflow={nameOf(editor.value)}
        text={editor.text}
        root={editor.root}
        shown={shown}
        onClose={onClose}
        onStarted={(run) => {
          onStarted(run);
          onClose();
        }}
      />
      {shown.run && (
        <ContinueDialog
          run={shown.run}
          version={dialog?.kind === "continue" ? dialog.version : 0}
          isOpen={dialog?.kind === "continue"}
          onClose={onClose}
          onStarted={(run) => {
            onStarted(run);
            onClose();
          }}
        />
      )}
      <NamingDialog
        isOpen={dialog?.kind === "naming"}
        editor={editor}
        isBusy={saving.isBusy}
        problem={saving.error}
        onSave={props.onSaveNew}
        onClose={onClose}
      />
      <ConflictDialog
        theirs={theirs}
        mine={editor.text}
        isBusy={saving.isBusy}
        onMine={() => theirs && onSaveMine(theirs.digest)}
        onTheirs={() => {
          if (!theirs) return;
          editor.load(theirs.text);
          onTaken(theirs.text);
          saving.take(theirs);
        }}
        onClose={saving.letBe}
      />
    </>
  );
}
