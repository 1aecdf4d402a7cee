import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";

import { texts } from "@/shared/texts";
import { useMedia } from "@/shared/hooks/use-media";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import styles from "./cursor-table.module.css";

export interface Column<Row> {
  key: string;
  title: string;
  /** A grid track: `120px`, `2fr`, `minmax(160px, 1fr)`. */
  width: string;
  render: (row: Row) => ReactNode;
}

/** What a `build.infiniteQuery` hook returns, as far as the table needs it. */
export interface Pages {
  isLoading: boolean;
  isFetchingNextPage: boolean;
  hasNextPage: boolean;
  error?: unknown;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

interface Props<Row> {
  /** What the rows are, for who cannot see them. */
  label: string;
  columns: Column<Row>[];
  /** The rows so far: `rowsOf(query.data)`. */
  rows: Row[];
  rowKey: (row: Row) => string;
  pages: Pages;
  /** Shown without rows: an EmptyState. */
  empty: ReactNode;
  /** Opens a row; then rows take the focus and Enter opens them. */
  onOpen?: (row: Row) => void;
  rowHeight?: number;
  /** Pixels of the part that scrolls. */
  height?: number;
}

const AHEAD = 20;
/** On a phone each row is a card with the titles of the columns in it. */
const PHONE = "(max-width: 700px)";

/** How many rows there are; of a list that is not read to its end, how many so far. */
const rowsTold = (count: number, isMore: boolean) =>
  isMore ? texts.common.rowsSoFar(count) : texts.common.rows(count);

/** A list of any length: only what is seen is drawn, and the next page is read before its end is reached. */
export function CursorTable<Row>(props: Props<Row>) {
  const { label, columns, rows, rowKey, pages, empty, onOpen, rowHeight = 44, height = 560 } = props;
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled by React's compiler
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowKey(row);
    },
  });
  const isCards = useMedia(PHONE);
  const seen = virtual.getVirtualItems();
  const last = seen.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage, error } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !error && last >= rows.length - AHEAD) fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, error, fetchNextPage, last, rows.length]);

  if (pages.isLoading) return <Loading rows={6} />;
  if (rows.length === 0) {
    return error ? <ProblemNotice problem={error} onRetry={() => pages.refetch()} /> : empty;
  }
  const grid = isCards ? {} : { gridTemplateColumns: columns.map((column) => column.width).join(" ") };
  const onKey = (event: KeyboardEvent, row: Row) => {
    if (event.key === "Enter" && event.target === event.currentTarget) onOpen?.(row);
  };
  return (
    <div className={styles["table"]}>
      {/* Keyboards can scroll it only when it takes the focus. */}
      <div
        ref={box}
        role="table"
        data-cards={isCards}
        aria-label={label}
        aria-rowcount={hasNextPage ? -1 : rows.length + 1}
        className={styles["box"]}
        style={{ maxHeight: height }}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
      >
        <div
          role="row"
          aria-rowindex={1}
          className={`${styles["row"] ?? ""} ${styles["head"] ?? ""}`}
          style={grid}
        >
          {columns.map((column) => (
            <div role="columnheader" key={column.key}>
              {column.title}
            </div>
          ))}
        </div>
        <div role="presentation" className={styles["body"]} style={{ height: virtual.getTotalSize() }}>
          {seen.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <div
                role="row"
                key={item.key}
                aria-rowindex={item.index + 2}
                className={`${styles["row"] ?? ""} ${onOpen ? (styles["opens"] ?? "") : ""}`}
                ref={isCards ? virtual.measureElement : undefined}
                data-index={item.index}
                style={{
                  ...grid,
                  ...(!isCards && { height: item.size }),
                  transform: `translateY(${item.start}px)`,
                }}
                {...(onOpen && {
                  tabIndex: 0,
                  onClick: () => onOpen(row),
                  onKeyDown: (event) => onKey(event, row),
                })}
              >
                {columns.map((column) => (
                  <div role="cell" key={column.key}>
                    {isCards && column.title && (
                      <span className={styles["title"]} aria-hidden>
                        {column.title}
                      </span>
                    )}
                    {column.render(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      <p className={styles["foot"]} role="status">
        {isFetchingNextPage ? texts.common.loading : rowsTold(rows.length, hasNextPage)}
      </p>
      {Boolean(error) && <ProblemNotice problem={error} onRetry={() => fetchNextPage()} />}
    </div>
  );
}
