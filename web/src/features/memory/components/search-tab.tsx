import SearchOutlined from "@ant-design/icons/SearchOutlined";
import { skipToken } from "@reduxjs/toolkit/query/react";
import { useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useRecallQuery } from "../api/recall";
import { paramsOf, type Question, questionOf } from "../logic/question";
import { useAddress } from "@/shared/hooks/use-address";
import { FoundMemory } from "./found-memory";
import styles from "./memory.module.css";
import { SearchForm } from "./search-form";

/** What fits a question, with how each score came about. The question stands in the address. */
export function SearchTab() {
  const [params] = useSearchParams();
  const change = useAddress();
  const question = questionOf(params);
  return (
    <div className={styles["column"]}>
      <SearchForm
        key={JSON.stringify(question)}
        question={question}
        onAsk={(next) => change(paramsOf(next), { isStep: true })}
      />
      <Results question={question} onOpen={(id) => change({ memory: id }, { isStep: true })} />
    </div>
  );
}

function Results({ question, onOpen }: { question: Question; onOpen: (id: string) => void }) {
  const words = texts.memory.search;
  const isAsked = question.text !== "";
  const { currentData, error, isFetching, refetch } = useRecallQuery(isAsked ? question : skipToken);
  if (!isAsked) return <EmptyState icon={<SearchOutlined />} title={words.start} next={words.startNext} />;
  if (error) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (!currentData) return isFetching ? <Loading rows={6} /> : null;
  return (
    <>
      {currentData.notes.length > 0 && (
        <div role="status" className={styles["notice"]}>
          <strong>{words.notes}</strong>
          {currentData.notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </div>
      )}
      {currentData.items.length === 0 ? (
        <EmptyState icon={<SearchOutlined />} title={words.none} next={words.noneNext} />
      ) : (
        <>
          <p role="status" className={styles["muted"]}>
            {words.found(currentData.items.length)}
          </p>
          <ol className={styles["found"]} aria-label={words.results}>
            {currentData.items.map((memory) => (
              <FoundMemory key={memory.id} memory={memory} onOpen={() => onOpen(memory.id)} />
            ))}
          </ol>
        </>
      )}
    </>
  );
}
