import { Button } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { Waterfall } from "@/shared/ui/waterfall";

import { useShowTimelineQuery } from "../api/show-timeline";
import styles from "./workflows.module.css";

const words = texts.workflows.oneRun.timeline;
const GOOD = new Set(["ok", "completed", "skipped", "fired", "received", "running", "waiting", "pending"]);

/** What took the time in a run: what began it, its steps, calls of plugins, and what these asked of the host. */
export function RunTimeline({ run }: { run: string }) {
  const [after, setAfter] = useState<string>();
  const { currentData: found, error, refetch } = useShowTimelineQuery({ run, after });
  if (!found) {
    return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
  }
  const end = Math.max(0, ...found.spans.map((one) => one.begin_ms + (one.time_ms ?? 0)));
  const bars = found.spans.map((one) => ({
    name: one.kind === "trigger" || one.kind === "call" ? `${words.kinds[one.kind]} ${one.name}` : one.name,
    begin: one.begin_ms,
    length: one.time_ms ?? end - one.begin_ms,
    isBad: !GOOD.has(one.state),
    depth: one.depth,
  }));
  return (
    <div className={styles["stack"]}>
      <Waterfall label={words.label} bars={bars} />
      <div className={styles["bar"]}>
        {after !== undefined && <Button onClick={() => setAfter(undefined)}>{words.first}</Button>}
        {found.next !== null && (
          <Button onClick={() => setAfter(found.next ?? undefined)}>{words.more}</Button>
        )}
      </div>
    </div>
  );
}
