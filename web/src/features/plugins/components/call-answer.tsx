import { Button, Segmented } from "antd";
import { useMemo, useState } from "react";

import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";
import { JsonView } from "@/shared/ui/json-view";
import { bytes } from "@/shared/ui/units";

import type { CallAnswer } from "../logic/answer";
import { bytesOf, hexDump, textOf } from "../logic/binary";
import { readJson } from "../logic/read-json";
import styles from "./functions.module.css";

type View = "json" | "text" | "hex";

const words = texts.plugins.calls;
const MOST_TEXT = 200_000;
const MOST_HEX = 4096;

interface Readable {
  json?: { value: unknown };
  text?: string;
}

/** What a function gave back, as its media type says; always as something to read, never as a page. */
export function CallAnswerView({ answer, name }: { answer: CallAnswer; name: string }) {
  const readable = useMemo(() => read(answer), [answer]);
  const views: View[] = [
    ...(readable.json ? (["json"] as const) : []),
    ...(readable.text !== undefined ? (["text"] as const) : []),
    "hex",
  ];
  const [chosen, setChosen] = useState<View>();
  const view = chosen && views.includes(chosen) ? chosen : views[0];
  return (
    <div className={styles["answer"]}>
      <div className={styles["line"]}>
        <span className={styles["muted"]}>
          {words.size(bytes(answer.body.length), answer.media || words.octets)}
        </span>
        <div className={styles["tools"]}>
          {answer.body.length > 0 && (
            <Segmented
              size="small"
              aria-label={words.shownAs}
              options={views.map((value) => ({ value, label: words.views[value] }))}
              value={view ?? "hex"}
              onChange={setChosen}
            />
          )}
          <Button size="small" onClick={() => download(answer, name)}>
            {words.download}
          </Button>
        </div>
      </div>
      {answer.body.length === 0 && <p className={styles["muted"]}>{words.empty}</p>}
      {answer.body.length > 0 && <Shown view={view ?? "hex"} readable={readable} body={answer.body} />}
    </div>
  );
}

function Shown({ view, readable, body }: { view: View; readable: Readable; body: string }) {
  if (view === "json") return <JsonView value={readable.json?.value} label={words.output} />;
  if (view === "text") {
    const text = readable.text ?? "";
    const isCut = text.length > MOST_TEXT;
    return <CodeBlock text={isCut ? `${text.slice(0, MOST_TEXT)}\n…` : text} label={words.output} />;
  }
  return (
    <>
      <div className={styles["hex"]}>
        <CodeBlock text={hexDump(body, MOST_HEX)} label={words.output} />
      </div>
      {body.length > MOST_HEX && <p className={styles["muted"]}>{words.hexCut(bytes(MOST_HEX))}</p>}
    </>
  );
}

function read({ media, body }: CallAnswer): Readable {
  const text = textOf(body);
  if (text === undefined) return {};
  const json = media === "application/json" ? readJson(text) : undefined;
  return { text, ...(json && { json }) };
}

const ENDINGS: Record<string, string> = { "application/json": "json", "text/plain": "txt" };

/** Saves it as a file. Its type is bytes, so that no browser opens it. */
function download({ media, body }: CallAnswer, name: string): void {
  const url = URL.createObjectURL(new Blob([bytesOf(body)], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name.replace(/[^A-Za-z0-9_-]+/g, "-")}.${ENDINGS[media] ?? "bin"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the browser may not have begun yet
}
