import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { figuresOf } from "../logic/figures";
import styles from "./traffic.module.css";

const WHOLE = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });

/** The hour in four figures. */
export function TrafficFigures({ series }: { series: Schemas["Series"] }) {
  const { calls, errors, errorShare, p95Ms, tasks } = figuresOf(series);
  const words = texts.home.figures;
  return (
    <dl className={styles["figures"]}>
      <Figure name={words.calls} value={WHOLE.format(calls)} />
      <Figure
        name={words.errors}
        value={WHOLE.format(errors)}
        {...(errors > 0 && { more: words.share(SHORT.format(errorShare)), isBad: true })}
      />
      <Figure name={words.p95} value={p95Ms === undefined ? "–" : words.ms(SHORT.format(p95Ms))} />
      <Figure name={words.tasks} value={WHOLE.format(tasks)} />
    </dl>
  );
}

interface FigureProps {
  name: string;
  value: string;
  more?: string;
  isBad?: boolean;
}

function Figure({ name, value, more, isBad = false }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-bad={isBad}>
        {value} {more && <small>{more}</small>}
      </dd>
    </div>
  );
}
