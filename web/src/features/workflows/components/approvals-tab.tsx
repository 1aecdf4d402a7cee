import CheckCircleOutlined from "@ant-design/icons/CheckCircleOutlined";
import { Button } from "antd";
import { useState } from "react";

import { rowsOf } from "@/shared/api/cursor-pages";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListApprovalsInfiniteQuery } from "../api/list-approvals";
import { ApprovalCard } from "./approval-card";
import styles from "./workflows.module.css";

const words = texts.workflows.approvals;

/** What waits for a decision of whoever looks. */
export function ApprovalsTab() {
  const pages = useListApprovalsInfiniteQuery();
  const rows = rowsOf(pages.data);
  const [said, setSaid] = useState("");
  if (pages.isLoading) return <Loading rows={6} />;
  return (
    <div className={styles["stack"]}>
      <p className={styles["said"]} role="status">
        {said}
      </p>
      <ProblemNotice problem={pages.error} onRetry={() => void pages.refetch()} />
      {rows.length === 0 && !pages.error && !pages.hasNextPage && (
        <EmptyState icon={<CheckCircleOutlined aria-hidden />} title={words.none} next={words.noneNext} />
      )}
      <ul className={styles["cards"]} aria-label={words.list}>
        {rows.map((approval) => (
          <li key={`${approval.run} ${approval.place}`}>
            <ApprovalCard approval={approval} hasRun onDecided={setSaid} />
          </li>
        ))}
      </ul>
      {pages.hasNextPage && (
        <div>
          <Button loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {texts.common.more}
          </Button>
        </div>
      )}
    </div>
  );
}
