import { useEffect, useState } from "react";

import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";

import { useDiscardDraftMutation } from "../api/discard-draft";
import { useLazyGetDraftQuery } from "../api/get-draft";
import { useKeepDraftMutation } from "../api/keep-draft";
import { type Answer, DraftKeeper, type Kept } from "./keeper";
import { browserStorage, type Copy, LocalDraft } from "./local-drafts";
import type { Opened, Rival } from "./opened";

const CONFLICT = 409;

interface Options {
  user: string;
  draft: string;
  opened: Opened;
  text: string;
  /** Nothing is kept of a text that is saved, or that nobody changed. */
  isDirty: boolean;
  base: Pick<Schemas["Workflow"], "number" | "digest"> | undefined;
  isOff: boolean;
}

export interface Drafts extends Kept {
  keepMine: () => void;
  takeTheirs: () => Rival | undefined;
}

/** Keeps what is edited until it is saved: see `DraftKeeper`. */
export function useDrafts({ user, draft, opened, text, isDirty, base, isOff }: Options): Drafts {
  const requests = useRequests(draft);
  const [kept, setKept] = useState<Kept>();
  const [keeper] = useState(() => {
    const storage = browserStorage();
    const local = new LocalDraft(storage, user, draft);
    const drop = (key: string) => storage?.removeItem(key);
    const made = new DraftKeeper(
      { ...requests, local, drop, onChange: setKept },
      opened.revision,
      opened.rivals,
      opened.copy,
    );
    return { made, drop };
  });
  const { made, drop } = keeper;
  const number = base?.number ?? 0;
  const digest = base?.digest ?? "";
  const [known] = useState(() => ({ text: opened.copy?.key === undefined ? text : undefined, isDirty }));
  useEffect(() => {
    if (isOff) return;
    if (isDirty && known.text !== text) made.edited(text, { number, digest });
    if (!isDirty && (known.isDirty || opened.revision)) made.clear();
    Object.assign(known, { text, isDirty });
  }, [made, known, text, isDirty, number, digest, isOff, opened]);
  useEffect(() => {
    made.open();
    opened.useless.forEach(drop); // what they held has a copy of its own by now, or is kept elsewhere
    return () => made.close();
  }, [made, drop, opened]);
  return {
    ...(kept ?? made.kept),
    keepMine: () => made.keepMine(),
    takeTheirs: () => made.takeTheirs(),
  };
}

function useRequests(draft: string) {
  const [keep] = useKeepDraftMutation();
  const [discard] = useDiscardDraftMutation();
  const [get] = useLazyGetDraftQuery();
  return {
    put: async ({ text, revision, number, digest }: Copy): Promise<Answer> => {
      const { data, error } = await keep({ draft, text, revision, number, digest });
      if (data) return { kind: "kept", revision: data.revision };
      if (asProblem(error).status !== CONFLICT) return { kind: "failed" };
      const { data: shown } = await get(draft);
      if (!shown) return { kind: "failed" };
      const other = shown.draft;
      return { kind: "other", rival: other ? { ...other, at: other.changed_at } : undefined };
    },
    discard: async (revision: string): Promise<void> => {
      await discard({ draft, revision });
    },
  };
}
