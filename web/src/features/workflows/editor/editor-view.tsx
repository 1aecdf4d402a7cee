import { useEffect, useMemo, useState } from "react";
import { useLocation, useSearchParams } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useAddress } from "@/shared/hooks/use-address";
import { useHotkeys } from "@/shared/hooks/use-hotkeys";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGetWorkflowPaletteQuery } from "./api/get-workflow-palette";
import { CanvasPane } from "./canvas/canvas-pane";
import { placeBehind } from "./canvas/use-flow-keys";
import { DraftBar } from "./drafts/draft-bar";
import { NewDrafts } from "./drafts/new-drafts";
import type { Opened } from "./drafts/opened";
import { useDrafts } from "./drafts/use-drafts";
import { EditorDialogs, type OpenDialog } from "./editor-dialogs";
import { EditorHead } from "./editor-head";
import styles from "./editor.module.css";
import { LeaveGuard } from "./leave-guard";
import { LeftPanel } from "./left-panel";
import { argumentsOf, knownAt } from "./model/arguments";
import { addTask, moveTask } from "./model/operations";
import { memberOf, type Path, pathOf } from "./model/path";
import { type Offer, offersOf } from "./model/templates";
import { triggerTexts } from "./model/triggers";
import { type PanelName, PANELS, RightPanel } from "./right-panel";
import { nextOf } from "./runs/next-version";
import { PinsContext, useWorkflowPins } from "./runs/use-pins";
import { useShownRun } from "./runs/use-shown-run";
import { StatusLine } from "./status-line";
import { useEditor } from "./use-editor";
import { useProblems } from "./use-problems";
import { idOf, nameOf, useSaving } from "./use-saving";

const words = texts.workflowsEditor;

interface Props {
  saved: Schemas["Workflow"] | undefined;
  text: string;
  /** Somebody else's text, which is worth keeping before anything is changed. */
  isGiven?: boolean;
  draft: string;
  user: string;
  opened: Opened;
}

/** The flow, what can be put into it, and the forms; all of them edit the one text. */
export function EditorView({ saved, text, isGiven = false, draft, user, opened }: Props) {
  const [query] = useSearchParams();
  const setAddress = useAddress();
  const [first] = useState(text);
  const editor = useEditor(first, opened.copy?.text);
  const saving = useSaving(saved, saved && opened.copy);
  const maySave = useMay("admin");
  const mayRun = useMay("operator");
  const [isDragging, setDragging] = useState(false);
  const [dialog, setDialog] = useState<OpenDialog>();
  const welcome = useWelcome();
  const [told, setTold] = useState(opened.copy ? words.drafts.restored(opened.copy.number) : welcome);
  const [lately, setLately] = useState(isGiven ? undefined : first);
  const { data: palette } = useGetWorkflowPaletteQuery();
  const offers = useMemo(() => offersOf(palette, words), [palette]);
  const problems = useProblems(editor.text, editor.root, editor.problem, mayRun);
  const shown = useShownRun(query.get("run") ?? undefined);
  const { base } = saving;
  const isDirty = editor.text !== lately || (!base && editor.canUndo);
  const isEdited = isDirty && (base !== undefined || editor.canUndo);
  const pins = useWorkflowPins(base && idOf(base), maySave);
  const drafts = useDrafts({
    ...{ user, draft, opened, base, text: editor.text },
    isDirty: isEdited,
    isOff: !maySave,
  });
  useEffect(() => {
    if (!base && isEdited && query.get("draft") !== draft) setAddress({ draft });
  }, [base, isEdited, query, draft, setAddress]);
  const panel = PANELS.find((name) => name === query.get("panel")) ?? "step";
  const goTo = (name: PanelName) => setAddress({ panel: name });
  const triggers = triggerTexts(editor.value);
  const active = editor.selected[editor.selected.length - 1];

  const add = (offer: Offer, list: Path, index: number) => {
    const given = argumentsOf(offer.input, knownAt(editor.value, list, index, offers));
    const value = given === undefined ? offer.value : { ...offer.value, with: given };
    editor.edit((text) => addTask(text, list, index, offer.name, value));
    if (panel === "triggers" || panel === "run") goTo("step");
  };
  const addBehind = (offer: Offer) => {
    const { list, index } = placeBehind(editor, active);
    add(offer, list, index);
  };
  const drop = (list: Path, index: number, dragged: string) => {
    setDragging(false);
    const [kind, id] = [dragged.slice(0, dragged.indexOf(":")), dragged.slice(dragged.indexOf(":") + 1)];
    const offer = kind === "offer" ? offers.find((one) => one.id === id) : undefined;
    if (offer) add(offer, list, index);
    if (kind === "task") editor.edit((text) => moveTask(text, pathOf(editor.value, id), list, index));
  };
  const save = async (digest?: string, text = editor.text) => {
    const done = await saving.store(text, digest);
    if (!done) return undefined;
    if (text !== editor.text) editor.edit(() => ({ text, selected: editor.selected }));
    setLately(text);
    setDialog(undefined);
    setTold(words.saved(done.number) + (done.same_version_as ? ` ${words.sameVersion(done.version)}` : ""));
    if (!base) void saving.goTo(done);
    return done;
  };
  const goOn = async () => {
    const mended = isDirty ? await save() : base;
    if (mended) setDialog({ kind: "continue", version: mended.number });
  };
  const load = (next: string) => {
    editor.load(next);
    setTold("");
  };
  const discard = () => {
    const text = saving.newer?.text ?? base?.text ?? first;
    load(text);
    if (base) setLately(text);
    if (saving.newer) saving.take(saving.newer);
  };
  const ask = () => (base ? void save() : setDialog({ kind: "naming" }));
  useHotkeys({
    ...(maySave && {
      "mod+z": editor.undo,
      "mod+y": editor.redo,
      "mod+shift+z": editor.redo,
      "mod+s": () => isDirty && !editor.problem && ask(),
      "/": () => setDialog({ kind: "insert", ...placeBehind(editor, active) }),
    }),
    ...(mayRun && {
      "mod+enter": () =>
        editor.root.tasks.length > 0 && !editor.problem && setDialog({ kind: "trial", part: {} }),
    }),
  });
  const openForm = () => {
    goTo("step");
    requestAnimationFrame(() => {
      const own = document.querySelector<HTMLElement>("[data-own-fields] :is(input, textarea)");
      (own ?? document.querySelector<HTMLElement>("[data-first-field]"))?.focus();
    });
  };
  return (
    <PinsContext value={pins}>
      <div className={styles["page"]}>
        <LeaveGuard isDirty={isEdited && drafts.state === "nowhere" && !saving.isBusy} />
        <EditorHead
          {...{ editor, isDirty, isEdited, maySave, mayRun, base }}
          run={shown.run}
          drafted={drafts.state}
          isBusy={saving.isBusy}
          onVersions={() => setDialog({ kind: "versions" })}
          onRun={() => setDialog({ kind: "trial", part: {} })}
          onShown={() => goTo("run")}
          onSave={ask}
          onDiscard={isEdited ? discard : undefined}
        />
        {!base && maySave && !isEdited && <NewDrafts user={user} />}
        <DraftBar
          {...{ drafts }}
          text={editor.text}
          others={opened.others}
          newer={saving.theirs ? undefined : saving.newer}
          onTake={(next) => editor.edit(() => ({ text: next, selected: [] }))}
          onNewer={saving.compare}
        />
        {dialog?.kind !== "naming" && <ProblemNotice problem={saving.error} />}
        <div className={styles["body"]}>
          <LeftPanel
            {...{ editor, offers }}
            overlay={shown.overlay}
            isReadOnly={!maySave}
            onAdd={addBehind}
            onDrag={setDragging}
          />
          <div className={styles["middle"]}>
            <div className={styles["flow"]}>
              <CanvasPane
                {...{ editor, isDragging }}
                overlay={shown.overlay}
                problems={problems.byTask}
                trigger={triggers.length > 2 ? words.triggersMore(triggers.length) : triggers.join(", ")}
                isReadOnly={!maySave}
                onDrag={setDragging}
                onOpen={openForm}
                onTriggers={() => goTo("triggers")}
                onText={() => goTo("text")}
                onInsert={(list, index) => setDialog({ kind: "insert", list, index })}
                onDrop={drop}
                onTold={setTold}
              />
            </div>
            <StatusLine
              problem={editor.problem}
              problems={problems.all}
              told={told}
              isEmpty={editor.root.tasks.length === 0}
              isChecked={problems.isChecked || !mayRun}
              onShow={({ path }) => {
                const pointer = [...problems.byTask.keys()].findLast(
                  (one) => path === one || path.startsWith(`${one}/`),
                );
                if (pointer !== undefined) editor.select([pointer]);
                else goTo("text");
              }}
            />
          </div>
          <RightPanel
            {...{ editor, panel, offers, problems, shown }}
            workflow={base ? idOf(base) : nameOf(editor.value)}
            isReadOnly={!maySave}
            onPanel={goTo}
            onRun={(run) => setAddress({ run })}
            next={nextOf(shown.run, base, { isDirty, maySave, mayRun })}
            onContinue={() => void goOn()}
            onTrial={maySave ? (part) => setDialog({ kind: "trial", part }) : undefined}
          />
        </div>
        <EditorDialogs
          {...{ editor, dialog, offers, saving }}
          shown={shown}
          onClose={() => setDialog(undefined)}
          onChoose={add}
          onStarted={(run) => setAddress({ run: run.id, panel: "run" })}
          onSaveMine={(digest) => void save(digest)}
          onSaveNew={(text) => void save(undefined, text)}
          onTaken={setLately}
        />
      </div>
    </PinsContext>
  );
}

/** Said once a new one has got its own address. */
function useWelcome(): string {
  const state: unknown = useLocation().state;
  const number = memberOf(state, "saved");
  return typeof number === "number" ? words.saved(number) : "";
}
