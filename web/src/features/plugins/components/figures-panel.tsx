import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { count, took } from "@/shared/ui/units";

import { useListCallFiguresQuery } from "../api/list-call-figures";
import { ScrolledTable } from "./scrolled-table";

const words = texts.plugins.figures;
const EVERY_MS = 5000;

/** Where the time of a plugin goes: its functions, and what they ask of the host. Nothing until it was called. */
export function FiguresPanel({ name }: { name: string }) {
  const { data } = useListCallFiguresQuery(name, { pollingInterval: EVERY_MS, skipPollingIfUnfocused: true });
  if (!data || data.items.length === 0) return null;
  return (
    <Panel title={words.title}>
      <ScrolledTable label={words.title} columns={words.columns}>
        {data.items.map((one) => (
          <tr key={`${one.kind} ${one.name}`}>
            <th scope="row">
              <code>{one.name}</code> {one.kind === "host" && <small>{words.ofHost}</small>}
            </th>
            <td>{count(one.calls)}</td>
            <td>{count(one.errors)}</td>
            <td>{milliseconds(one.p50_ms)}</td>
            <td>{milliseconds(one.p95_ms)}</td>
            <td>{milliseconds(one.p99_ms)}</td>
            <td>{took(one.total_s)}</td>
          </tr>
        ))}
      </ScrolledTable>
    </Panel>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? texts.common.none : took(value / 1000);
}
