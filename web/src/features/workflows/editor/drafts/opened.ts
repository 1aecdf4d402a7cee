import type { Schemas } from "@/shared/api/types";

import type { Copy, LocalCopy } from "./local-drafts";

/** A text that differs from the one that is shown, and where it comes from. */
export interface Rival extends Copy {
  /** Of a copy in this browser. The host's draft has none. */
  key?: string;
}

/** The drafts that an editor finds when it opens. */
export interface Opened {
  /** The draft to continue with. */
  copy: Rival | undefined;
  /** The revision on the host that the next change may replace. */
  revision: string;
  /** Others that do not follow from it, newest first. */
  rivals: Rival[];
  /** Keys of copies in this browser that are not needed any more. */
  useless: string[];
  /** Other people who edit the workflow. */
  others: Schemas["DraftShown"]["others"];
}

export const NOTHING: Opened = { copy: undefined, revision: "", rivals: [], useless: [], others: [] };

/** The newest text goes on; what it does not follow from is a rival. A text that is saved is no draft. */
export function openedOf(
  shown: Schemas["DraftShown"] | undefined,
  locals: readonly LocalCopy[],
  saved: string | undefined,
): Opened {
  const draft = shown?.draft ?? undefined;
  const host: Copy | undefined = draft && { ...draft, at: draft.changed_at };
  const revision = host?.revision ?? "";
  const isUseless = ({ text }: Copy) => text === saved || text === host?.text;
  const useful = locals.filter((one) => !isUseless(one));
  // A copy that follows the host's draft is that draft, typed further.
  const isFollowed = useful.some((one) => one.revision === revision);
  const texts: Rival[] = [...useful, ...(host && host.text !== saved && !isFollowed ? [host] : [])];
  const [first, ...rivals] = texts.toSorted((a, b) => b.at - a.at);
  const useless = locals.filter(isUseless).map(({ key }) => key);
  if (!first) return { ...NOTHING, revision, useless, others: shown?.others ?? [] };
  // The host's draft is overwritten only when it is the ancestor, or was chosen over.
  return {
    copy: first,
    revision: rivals.some((one) => one.key === undefined) ? first.revision : revision,
    rivals: rivals.filter((one, at) => rivals.findIndex(({ text }) => text === one.text) === at),
    useless: first.key === undefined ? useless : [...useless, first.key],
    others: shown?.others ?? [],
  };
}
