import { Button } from "antd";

import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { useNow } from "@/shared/hooks/use-now";
import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import { type Moment, type Standing, standingOf } from "../logic/timeline";
import styles from "./memory.module.css";

const words = texts.memory.entity;
const TONES: Record<Standing, Tone> = { holds: "good", ended: "calm", ahead: "busy" };
const DAY = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });

interface Props {
  label: string;
  moments: Moment[];
  onShow: (memory: string) => void;
}

/** What is known of somebody, the oldest first: facts with the time in which they hold, and what was said. */
export function Timeline({ label, moments, onShow }: Props) {
  return (
    <ol className={styles["timeline"]} aria-label={label}>
      {moments.map(({ key, at, fact, memory }) => {
        const source = memory?.id ?? fact?.memory ?? undefined;
        return (
          <li key={key}>
            <Day at={at} />
            <div>
              {fact && <FactLine fact={fact} />}
              {memory && <p className={styles["text"]}>{memory.text}</p>}
              {source === undefined ? (
                <p className={styles["muted"]}>{words.stated}</p>
              ) : (
                <Button type="link" className={styles["id"] ?? ""} onClick={() => onShow(source)}>
                  {texts.memory.open}
                </Button>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function FactLine({ fact }: { fact: Schemas["Fact"] }) {
  const standing = standingOf(fact, useNow() / 1000);
  return (
    <p className={styles["fact"]}>
      <span>
        {fact.attribute}: <strong>{fact.value}</strong>
      </span>
      {(standing !== "holds" || !fact.disputed) && (
        <StateTag state={standing} tone={TONES[standing]} label={words.standings[standing]} />
      )}
      {fact.disputed && (
        <>
          <StateTag state="disputed" tone="warn" label={words.disputed} />
          <span className={styles["muted"]}>{words.disputedWhy}</span>
        </>
      )}
      {fact.until != null && (
        <span className={styles["muted"]}>
          {words.until} <Day at={fact.until} />
        </span>
      )}
      {fact.speaker && <span className={styles["muted"]}>{words.saidBy(fact.speaker)}</span>}
      {fact.user && <span className={styles["muted"]}>{words.ofUser(fact.user)}</span>}
    </p>
  );
}

function Day({ at }: { at: number }) {
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return <span>{String(at)}</span>;
  return <time dateTime={date.toISOString()}>{DAY.format(date)}</time>;
}
