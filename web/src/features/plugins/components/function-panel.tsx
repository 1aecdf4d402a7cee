import { useRef, useState } from "react";

import { asProblem } from "@/shared/api/problem";
import { useMay } from "@/shared/hooks/use-may";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";

import { useCallFunctionMutation } from "../api/call-function";
import { asCost } from "../logic/answer";
import { isKept, type PastCall, preview, withCall } from "../logic/history";
import { type Given, modesOf } from "../logic/input";
import type { Plugin } from "../logic/review";
import { CallHistory } from "./call-history";
import { CallInput } from "./call-input";
import { CallResult } from "./call-result";
import { FunctionSchemas } from "./function-schemas";
import styles from "./functions.module.css";

interface Props {
  plugin: Plugin;
  name: string;
  view: Schemas["Function"];
  past: PastCall[];
  onPast: (change: (past: PastCall[]) => PastCall[]) => void;
}

const words = texts.plugins.calls;

/** One function: what it is, the form that calls it, and the answer. */
export function FunctionPanel({ plugin, name, view, past, onPast }: Props) {
  const mayCall = useMay("operator", plugin.name);
  const [call, { isLoading }] = useCallFunctionMutation();
  const [result, setResult] = useState<CallResult>();
  const [again, setAgain] = useState<PastCall>();
  const running = useRef(false);

  const send = async (given: Given) => {
    if (running.current) return;
    running.current = true;
    const at = Date.now() / 1000;
    const answer = await call({
      plugin: plugin.name,
      function: name,
      media: view.input_media,
      body: given.body,
    });
    running.current = false;
    const problem = answer.error && asProblem(answer.error);
    const cost = answer.data?.cost ?? asCost(problem?.details["cost"]);
    setResult({ given, answer: answer.data, problem, cost });
    const { mode, value, text } = given;
    const input = text !== undefined && isKept(text) ? { mode, value } : undefined;
    const shown = preview(text ?? given.fileName ?? "");
    onPast((before) =>
      withCall(before, {
        ...{ at, function: name, isOk: !problem, timeMs: cost?.time_ms ?? null, input, preview: shown },
      }),
    );
  };

  return (
    <div className={styles["column"]}>
      <Panel title={name}>
        <p className={styles["description"]}>{view.description || words.noDescription}</p>
        <FunctionSchemas view={view} />
      </Panel>
      <Panel title={words.tryIt}>
        {plugin.serving === null && plugin.reason && (
          <p className={styles["refused"]}>
            {words.notNow}: {plugin.reason}
          </p>
        )}
        {mayCall ? (
          <CallInput
            key={again?.id ?? "first"}
            view={view}
            modes={modesOf(view)}
            initial={again?.input}
            isBusy={isLoading}
            onCall={(given) => void send(given)}
          />
        ) : (
          <p className={styles["muted"]}>{words.reader}</p>
        )}
      </Panel>
      {mayCall && (
        <>
          <Panel title={words.answer}>
            <CallResult
              plugin={plugin.name}
              name={name}
              media={view.input_media}
              result={result}
              isBusy={isLoading}
            />
          </Panel>
          <Panel title={words.history}>
            <CallHistory past={past} own={name} onAgain={setAgain} />
          </Panel>
        </>
      )}
    </div>
  );
}
