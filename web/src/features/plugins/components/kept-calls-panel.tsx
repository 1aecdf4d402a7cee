import { Button, Drawer, Input, Select } from "antd";
import { useDeferredValue, useState } from "react";

import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes, count, took } from "@/shared/ui/units";
import { Waterfall } from "@/shared/ui/waterfall";

import { type KeptCall, useListKeptCallsQuery } from "../api/list-kept-calls";
import { shortHash } from "../logic/short-hash";
import styles from "./kept-calls.module.css";
import { ScrolledTable } from "./scrolled-table";

const words = texts.plugins.kept;
const EVERY_MS = 5000;
const STATES = ["failed", "slow", "ok"] as const;
type State = (typeof STATES)[number];

/** Calls of a plugin that its host keeps: those that failed or took long, and samples of the others. */
export function KeptCallsPanel({ name }: { name: string }) {
  const [state, setState] = useState<State>();
  const [q, setQ] = useState("");
  const [open, setOpen] = useState<KeptCall>();
  const wanted = { plugin: name, state, q: useDeferredValue(q.trim()) || undefined };
  const { data } = useListKeptCallsQuery(wanted, { pollingInterval: EVERY_MS, skipPollingIfUnfocused: true });
  const isUnasked = state === undefined && wanted.q === undefined;
  if (!data || (data.items.length === 0 && isUnasked)) return null;
  return (
    <Panel title={words.title}>
      <div className={styles["tools"]}>
        <Select<State>
          allowClear
          aria-label={words.state}
          placeholder={words.anyState}
          value={state ?? null}
          onChange={(chosen: State | undefined) => setState(chosen)}
          options={STATES.map((one) => ({ value: one, label: words.states[one] }))}
        />
        <Input
          allowClear
          aria-label={words.search}
          placeholder={words.search}
          maxLength={200}
          value={q}
          onChange={({ target }) => setQ(target.value)}
        />
      </div>
      {data.items.length === 0 ? (
        <p>{words.noneFound}</p>
      ) : (
        <ScrolledTable label={words.title} columns={words.columns}>
          {data.items.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                <Button type="link" size="small" onClick={() => setOpen(one)}>
                  {one.function}
                </Button>
              </th>
              <td>
                <TimeAgo at={one.at} />
              </td>
              <td>{one.state === "ok" ? words.states.ok : one.code}</td>
              <td>{took(one.time_ms / 1000)}</td>
              <td>{one.memory_bytes === null ? texts.common.none : bytes(one.memory_bytes)}</td>
              <td>{count(one.host_calls)}</td>
              <td>{one.by}</td>
            </tr>
          ))}
        </ScrolledTable>
      )}
      <Drawer
        open={open !== undefined}
        title={open && `${open.plugin}.${open.function}`}
        size={Math.min(640, window.innerWidth)}
        onClose={() => setOpen(undefined)}
        destroyOnHidden
      >
        {open && <Content call={open} />}
      </Drawer>
    </Panel>
  );
}

function Content({ call }: { call: KeptCall }) {
  const bars = call.asked.map((one) => ({
    name: one.verb,
    begin: one.begin_ms,
    length: one.time_ms,
    isBad: one.outcome !== "ok",
  }));
  const whole = { name: call.function, begin: 0, length: call.time_ms, isBad: call.state === "failed" };
  return (
    <>
      <Facts
        facts={[
          [words.columns.at, <TimeAgo key="at" at={call.at} />],
          [words.columns.outcome, call.code],
          [words.error, call.error || texts.common.none],
          [words.version, `${call.version} ${shortHash(call.hash)}`],
          [words.fuel, call.fuel === null ? texts.common.none : count(call.fuel)],
          [words.run, call.run ?? texts.common.none],
          [words.trace, call.trace ?? texts.common.none],
          [words.input, call.input ?? words.noInput(bytes(call.input_bytes))],
        ]}
      />
      <Waterfall label={words.asked} bars={[whole, ...bars]} />
    </>
  );
}
