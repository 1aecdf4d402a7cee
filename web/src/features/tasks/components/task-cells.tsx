import { useNow } from "@/shared/hooks/use-now";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { duration, tookS } from "../logic/timings";

export type Task = Schemas["Task"];

/** Who ordered a task: a plugin, a schedule, or somebody from outside. */
export function OwnerName({ owner }: { owner: string }) {
  return <span title={owner}>{ownerName(owner)}</span>;
}

function ownerName(owner: string): string {
  return Object.hasOwn(texts.tasks.owners, owner) ? (texts.tasks.owners[owner] ?? owner) : owner;
}

export function Attempts({ task }: { task: Task }) {
  return <>{texts.tasks.attempts(task.attempts, task.most_attempts)}</>;
}

/** How long the last attempt took; of one that runs, so far. */
export function Took({ task }: { task: Task }) {
  const now = useNow();
  const seconds = tookS(task, now / 1000);
  return <>{seconds === undefined ? "" : duration(seconds)}</>;
}
