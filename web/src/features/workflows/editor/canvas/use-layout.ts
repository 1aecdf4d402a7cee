import { useEffect, useState } from "react";

import type { Block } from "../model/tasks";
import { layout, type Layout } from "./layout";

interface Laid {
  root: Block;
  layout: Layout;
}

/** The newest layout that is done, with the tasks it is of. */
export function useLayout(root: Block): { laid: Laid | undefined; error: unknown } {
  const [laid, setLaid] = useState<Laid>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    let isWanted = true;
    layout(root).then(
      (found) => {
        if (!isWanted) return;
        setLaid({ root, layout: found });
        setError(undefined);
      },
      (problem: unknown) => isWanted && setError(problem),
    );
    return () => {
      isWanted = false;
    };
  }, [root]);
  return { laid, error };
}
