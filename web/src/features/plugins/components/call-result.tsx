import { prefix } from "@/shared/api/prefix";
import { useEffect, useState } from "react";

import type { Problem } from "@/shared/api/problem";
import { useGetSessionQuery } from "@/shared/api/session";
import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { pluginUrl } from "../api/plugin-url";
import type { CallAnswer, Cost } from "../logic/answer";
import { curlOf } from "../logic/curl";
import type { Given } from "../logic/input";
import { CallAnswerView } from "./call-answer";
import { CallCost } from "./call-cost";
import styles from "./functions.module.css";

/** What came of a call. */
export interface CallResult {
  given: Given;
  answer: CallAnswer | undefined;
  problem: Problem | undefined;
  cost: Cost | null;
}

interface Props {
  plugin: string;
  name: string;
  media: string;
  result: CallResult | undefined;
  isBusy: boolean;
}

const words = texts.plugins.calls;

/** The answer or the problem, what it cost, and the line that does the same. */
export function CallResult({ plugin, name, media, result, isBusy }: Props) {
  const { data: session } = useGetSessionQuery();
  const curl = useCurl(pluginUrl(plugin, "functions", name), media, session?.via !== "local", result?.given);
  if (!result) return isBusy ? <Loading rows={2} /> : <p className={styles["muted"]}>{words.noAnswer}</p>;
  return (
    <div className={styles["result"]} aria-busy={isBusy} aria-live="polite">
      <ProblemNotice problem={result.problem} />
      {result.answer && <CallAnswerView answer={result.answer} name={`${plugin}-${name}`} />}
      {result.cost && <CallCost cost={result.cost} />}
      {curl && (
        <section className={styles["part"]}>
          <h3>{words.curl}</h3>
          <CodeBlock text={curl} label={words.curl} maxHeight={220} />
        </section>
      )}
    </div>
  );
}

/** The line of curl for what was sent; its bytes have to be read first. */
function useCurl(
  path: string,
  media: string,
  needsToken: boolean,
  given: Given | undefined,
): string | undefined {
  const [line, setLine] = useState<{ given: Given; text: string }>();
  useEffect(() => {
    if (!given) return;
    let isOver = false;
    void curlOf({ origin: `${window.location.origin}${prefix}`, path, media, needsToken }, given).then(
      (text) => {
        if (!isOver) setLine({ given, text });
      },
    );
    return () => {
      isOver = true;
    };
  }, [path, media, needsToken, given]);
  return line?.given === given ? line?.text : undefined;
}
