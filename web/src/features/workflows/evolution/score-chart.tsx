import { texts } from "@/shared/texts";
import { percent } from "@/shared/ui/units";

import styles from "./evolution.module.css";

/** A candidate as far as the chart shows it. */
export interface Score {
  number: number;
  fitness: number;
  state: string;
}

const [WIDTH, HEIGHT, EDGE] = [720, 180, 8];
const words = texts.workflows.searches;

/** Each candidate as a point by its score, and the best so far as a line. */
export function ScoreChart({ scores }: { scores: Score[] }) {
  const judged = scores.filter(({ state }) => state !== "dead");
  const last = Math.max(1, ...judged.map(({ number }) => number));
  const x = (number: number) => EDGE + (number / last) * (WIDTH - 2 * EDGE);
  const y = (fitness: number) => HEIGHT - EDGE - fitness * (HEIGHT - 2 * EDGE);
  const best = bestSoFar(judged);
  const line = best.flatMap(({ number, fitness }, at) => {
    const before = best[at - 1];
    return before
      ? [`${x(number)},${y(before.fitness)}`, `${x(number)},${y(fitness)}`]
      : [`${x(number)},${y(fitness)}`];
  });
  const highest = best.at(-1)?.fitness ?? 0;
  return (
    <figure className={styles["chart"]}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={words.chart(judged.length, percent(highest))}
      >
        {[0, 0.5, 1].map((level) => (
          <line key={level} x1={EDGE} x2={WIDTH - EDGE} y1={y(level)} y2={y(level)} />
        ))}
        <polyline points={[...line, `${x(last)},${y(highest)}`].join(" ")} />
        {judged.map(({ number, fitness }) => (
          <circle key={number} cx={x(number)} cy={y(fitness)} r={3} />
        ))}
      </svg>
      <figcaption>{words.chartHint}</figcaption>
    </figure>
  );
}

/** Those that were better than all before them. */
function bestSoFar(scores: Score[]): Score[] {
  const found: Score[] = [];
  for (const one of scores) if (one.fitness > (found.at(-1)?.fitness ?? -1)) found.push(one);
  return found;
}
