import { useMemo } from "react";

import { texts } from "@/shared/texts";
import { LineChart } from "@/shared/ui/line-chart/line-chart";
import type { Line } from "@/shared/ui/line-chart/plot";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGetSeriesQuery } from "../api/get-series";
import { TrafficFigures } from "./traffic-figures";

const EVERY_MS = 10_000;
const MINUTES = 60;

/** Calls and errors over the last hour. */
export function TrafficPanel() {
  const { data, error, isLoading, refetch } = useGetSeriesQuery(MINUTES, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  const chart = useMemo(() => {
    if (!data) return undefined;
    const times = data.series.calls.map((_, index) => data.start + index * data.step_s);
    const lines: Line[] = [
      { label: texts.home.calls, values: data.series.calls, tone: "accent" },
      { label: texts.home.errors, values: data.series.errors, tone: "bad" },
    ];
    return { times, lines };
  }, [data]);
  return (
    <Panel title={texts.home.traffic}>
      {isLoading && <Loading rows={5} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data && <TrafficFigures series={data} />}
      {chart && <LineChart label={texts.home.traffic} times={chart.times} lines={chart.lines} height={200} />}
    </Panel>
  );
}
