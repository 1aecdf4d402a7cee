import { Drawer } from "antd";
import { stringify } from "yaml";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { percent, took } from "@/shared/ui/units";

import { useShowCandidateQuery } from "../api/show-evolution";
import { LazyTextDiff } from "../editor/yaml/lazy";
import styles from "./evolution.module.css";
import { lineage } from "./lineage";

type Candidate = Schemas["EvolutionCandidate"];

interface Props {
  /** All that are loaded, for the ancestors. */
  all: Candidate[];
  /** Nothing is open without one. */
  candidate: Candidate | undefined;
  onClose: () => void;
}

const words = texts.workflows.searches;

/** One candidate: how it did, where it comes from, and what it changes of the workflow as it was. */
export function CandidateDrawer({ all, candidate, onClose }: Props) {
  return (
    <Drawer
      open={candidate !== undefined}
      title={candidate && words.candidate(candidate.number)}
      size={Math.min(900, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {candidate && <Content all={all} candidate={candidate} />}
    </Drawer>
  );
}

function Content({ all, candidate }: { all: Candidate[]; candidate: Candidate }) {
  const [search, number] = [candidate.evolution, candidate.number];
  const first = useShowCandidateQuery({ search, candidate: 0 });
  const own = useShowCandidateQuery({ search, candidate: number });
  const error = first.error ?? own.error;
  return (
    <div className={styles["parts"]}>
      <Facts
        facts={[
          [words.facts.proposer, words.proposers[candidate.proposer] ?? candidate.proposer],
          [words.facts.quality, percent(candidate.quality)],
          [words.facts.held, candidate.held && percent(mean(candidate.held))],
          [words.facts.seconds, took(candidate.seconds)],
          [words.facts.reason, candidate.reason || false],
        ]}
      />
      <section aria-label={words.lineage}>
        <h2>{words.lineage}</h2>
        <ol className={styles["lineage"]}>
          {lineage(all, number).map((one) => (
            <li key={one.number}>{words.ancestor(one.number, percent(one.quality))}</li>
          ))}
        </ol>
      </section>
      <ProblemNotice problem={error} />
      {first.data && own.data ? (
        <LazyTextDiff
          before={stringify(first.data.document)}
          after={stringify(own.data.document)}
          beforeLabel={words.asItWas}
          afterLabel={words.candidate(number)}
        />
      ) : (
        !error && <Loading rows={6} />
      )}
    </div>
  );
}

function mean(scores: number[]): number {
  return scores.reduce((sum, one) => sum + one, 0) / Math.max(1, scores.length);
}
