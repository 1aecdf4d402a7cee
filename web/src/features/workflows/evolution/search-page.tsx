import { Button } from "antd";
import { useParams, useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { asProblem } from "@/shared/api/problem";
import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag, type Tone } from "@/shared/ui/state-tag";
import { count, percent, signed } from "@/shared/ui/units";

import { useListCandidatesInfiniteQuery } from "../api/list-candidates";
import { useShowEvolutionQuery } from "../api/show-evolution";
import { CandidateDrawer } from "./candidate-drawer";
import styles from "./evolution.module.css";
import { ScoreChart } from "./score-chart";
import { SearchActions } from "./search-actions";
import { Gain, SearchState } from "./search-state";

type Candidate = Schemas["EvolutionCandidate"];

const words = texts.workflows.searches;
const EVERY_MS = 2000;
const TONES: Record<Candidate["state"], Tone> = { judged: "good", dropped: "calm", dead: "bad" };

/** One search as it runs: its scores, its candidates, and what it proposes. */
export function SearchPage() {
  const { search: id = "" } = useParams();
  const { data, error, refetch } = useShowEvolutionQuery(id);
  const isRunning = data?.state === "running";
  useShowEvolutionQuery(id, { pollingInterval: isRunning ? EVERY_MS : 0, skipPollingIfUnfocused: true });
  if (error && asProblem(error).status === 404) {
    return <EmptyState title={texts.problems.notFoundTitle} next={texts.problems.notFoundRemedy} />;
  }
  if (!data)
    return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
  return (
    <>
      <PageHeader
        title={words.title(data.workflow)}
        lead={words.lead}
        actions={<SearchActions search={data} />}
      />
      <div className={styles["parts"]}>
        <Panel title={words.about}>
          <Facts
            facts={[
              [words.columns.state, <SearchState key="state" search={data} />],
              [words.columns.candidates, words.of(count(data.count), count(data.wanted))],
              [words.columns.gain, <Gain key="gain" search={data} />],
              [words.least, data.least_gain !== null && words.points(signed(data.least_gain * 100))],
              [words.best, data.best !== null && <Chosen number={data.best} />],
              [words.facts.reason, data.reason || false],
            ]}
          />
        </Panel>
        <Candidates search={id} isRunning={isRunning} />
      </div>
    </>
  );
}

/** A candidate to look at. */
function Chosen({ number }: { number: number }) {
  const [query, setQuery] = useSearchParams();
  return (
    <Button type="link" onClick={() => setQuery(withParts(query, { candidate: String(number) }))}>
      {words.candidate(number)}
    </Button>
  );
}

function Candidates({ search, isRunning }: { search: string; isRunning: boolean }) {
  const [query, setQuery] = useSearchParams();
  const pages = useListCandidatesInfiniteQuery(search, {
    pollingInterval: isRunning ? EVERY_MS : 0,
    skipPollingIfUnfocused: true,
  });
  const rows = rowsOf(pages.data);
  const chosen = rows.find(({ number }) => String(number) === query.get("candidate"));
  return (
    <>
      {rows.length > 0 && (
        <Panel title={words.scores}>
          <ScoreChart scores={rows} />
        </Panel>
      )}
      <CursorTable
        label={words.candidates}
        columns={COLUMNS}
        rows={rows}
        rowKey={({ number }) => String(number)}
        pages={pages}
        empty={<EmptyState title={words.noCandidate} next={words.noCandidateNext} />}
        onOpen={({ number }) => setQuery(withParts(query, { candidate: String(number) }))}
      />
      <CandidateDrawer
        all={rows}
        candidate={chosen}
        onClose={() => setQuery(withParts(query, { candidate: undefined }))}
      />
    </>
  );
}

const COLUMNS: Column<Candidate>[] = [
  { key: "number", title: words.columns.number, width: "80px", render: ({ number }) => number },
  {
    key: "state",
    title: words.columns.state,
    width: "120px",
    render: ({ state }) => (
      <StateTag state={state} tone={TONES[state]} label={words.candidateStates[state]} />
    ),
  },
  {
    key: "proposer",
    title: words.facts.proposer,
    width: "minmax(120px, 1fr)",
    render: ({ proposer }) => words.proposers[proposer] ?? proposer,
  },
  {
    key: "parent",
    title: words.columns.parent,
    width: "90px",
    render: ({ parent }) => (parent < 0 ? texts.common.none : parent),
  },
  {
    key: "quality",
    title: words.facts.quality,
    width: "120px",
    render: ({ quality, state }) => (state === "dead" ? texts.common.none : percent(quality)),
  },
  {
    key: "reason",
    title: words.facts.reason,
    width: "minmax(140px, 2fr)",
    render: ({ reason }) => <span title={reason}>{reason}</span>,
  },
];
