import AppstoreAddOutlined from "@ant-design/icons/AppstoreAddOutlined";
import { Button, Segmented } from "antd";
import { useSearchParams } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { useAddress } from "@/shared/hooks/use-address";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useSearchGalleryInfiniteQuery } from "./api/search-gallery";
import { GalleryCard } from "./components/gallery-card";
import { GalleryUpdates } from "./components/gallery-updates";
import styles from "./components/gallery.module.css";
import { SearchField } from "./components/search-field";

const words = texts.plugins.gallery;
const VIEWS = Object.entries(words.views).map(([value, label]) => ({ value, label }));

/** The plugins of the owner's indexes, found by words; and what is here in an older version. */
export function GalleryPage() {
  const [params] = useSearchParams();
  const change = useAddress();
  const mayUpdate = useMay("operator");
  const q = (params.get("q") ?? "").slice(0, 200);
  const view = mayUpdate && params.get("view") === "updates" ? "updates" : "";
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <div className={styles["filters"]}>
        {mayUpdate && (
          <Segmented
            aria-label={words.viewOf}
            name="gallery-view"
            options={VIEWS}
            value={view}
            onChange={(chosen) => change({ view: chosen || undefined })}
          />
        )}
        {view === "" && (
          <SearchField
            label={words.search}
            hint={words.searchHint}
            text={q}
            onSearch={(text) => change({ q: text || undefined })}
          />
        )}
      </div>
      {view === "updates" ? <GalleryUpdates /> : <Found q={q} onShowAll={() => change({ q: undefined })} />}
    </>
  );
}

function Found({ q, onShowAll }: { q: string; onShowAll: () => void }) {
  const pages = useSearchGalleryInfiniteQuery(q);
  const { data, error, isLoading, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = pages;
  if (isLoading) return <Loading rows={8} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const entries = rowsOf(data);
  const indexes = data.pages[0]?.indexes ?? [];
  return (
    <>
      <Unreadable indexes={indexes} onRetry={() => void refetch()} />
      {entries.length === 0 && <Nothing q={q} hasIndex={indexes.length > 0} onShowAll={onShowAll} />}
      <ul className={styles["cards"]} aria-label={words.plugins}>
        {entries.map((entry) => (
          <GalleryCard key={entry.name} entry={entry} />
        ))}
      </ul>
      {hasNextPage && (
        <Button
          className={styles["more"] ?? ""}
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {words.more}
        </Button>
      )}
      {error !== undefined && <ProblemNotice problem={error} onRetry={() => void refetch()} />}
    </>
  );
}

function Unreadable({ indexes, onRetry }: { indexes: Schemas["GalleryIndex"][]; onRetry: () => void }) {
  return indexes
    .filter(({ problem }) => problem !== "")
    .map(({ name, problem }) => (
      <ProblemNotice
        key={name}
        problem={{ status: 0, code: "index", fact: words.unreadable(name), remedy: problem, details: {} }}
        onRetry={onRetry}
      />
    ));
}

function Nothing({ q, hasIndex, onShowAll }: { q: string; hasIndex: boolean; onShowAll: () => void }) {
  if (!hasIndex) {
    return (
      <EmptyState
        icon={<AppstoreAddOutlined />}
        title={words.noIndex}
        next={words.noIndexNext}
        action={<CodeBlock text={words.noIndexLine} label={words.noIndexLabel} />}
      />
    );
  }
  if (q === "") return <EmptyState title={words.nothingThere} next={words.nothingThereNext} />;
  return (
    <EmptyState
      title={words.nothing}
      next={words.nothingNext}
      action={<Button onClick={onShowAll}>{words.showAll}</Button>}
    />
  );
}
