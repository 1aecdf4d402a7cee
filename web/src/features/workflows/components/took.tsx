import type { Schemas } from "@/shared/api/types";
import { useNow } from "@/shared/hooks/use-now";
import { took } from "@/shared/ui/units";

import { tookS } from "../logic/runs";

/** How long a run took, or has taken so far. */
export function Took({ run }: { run: Schemas["Run"] }) {
  const seconds = tookS(run, useNow() / 1000);
  return seconds === undefined ? <>–</> : <>{took(seconds)}</>;
}
