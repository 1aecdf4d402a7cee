import { skipToken } from "@reduxjs/toolkit/query/react";
import { useEffect, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { usePreviewTicksQuery } from "../api/preview-ticks";
import { NextRuns } from "./next-runs";
import styles from "./tasks.module.css";

interface Props {
  kind: Schemas["Schedule"]["kind"];
  spec: string;
  timezone: string;
}

const TYPED_MS = 250;

/** The next five runs of what is being written, told by the host that would run it. */
export function TicksPreview({ kind, spec, timezone }: Props) {
  const [asked, setAsked] = useState({ kind, spec, timezone });
  useEffect(() => {
    const timer = setTimeout(() => setAsked({ kind, spec, timezone }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [kind, spec, timezone]);
  const { currentData, error, isFetching } = usePreviewTicksQuery(asked.spec ? asked : skipToken);
  const { schedules } = texts.tasks;
  return (
    <section className={styles["preview"]} aria-live="polite">
      <h2>{schedules.nextRuns}</h2>
      {!asked.spec && <p className={styles["muted"]}>{schedules.momentNeeded}</p>}
      {asked.spec && isFetching && !currentData && <Loading rows={4} />}
      {asked.spec && !isFetching && <ProblemNotice problem={error} />}
      {asked.spec && currentData && (
        <NextRuns runs={currentData.items} timeZone={asked.timezone} words={currentData.words} />
      )}
    </section>
  );
}
