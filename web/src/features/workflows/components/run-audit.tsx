import SafetyCertificateOutlined from "@ant-design/icons/SafetyCertificateOutlined";
import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useLazyVerifyRunQuery } from "../api/verify-run";
import styles from "./workflows.module.css";

const words = texts.workflows.oneRun.audit;

/** Verifies the chain of hashes of a run's journal. */
export function RunAudit({ run }: { run: string }) {
  const [verify, { currentData, error, isFetching }] = useLazyVerifyRunQuery();
  return (
    <section className={styles["audit"]} aria-label={words.title}>
      <p className={styles["muted"]}>{words.text}</p>
      <Button
        size="small"
        icon={<SafetyCertificateOutlined aria-hidden />}
        loading={isFetching}
        onClick={() => void verify(run)}
      >
        {words.check}
      </Button>
      <ProblemNotice problem={error} />
      <div role="status">{currentData && !isFetching && <Verdict audit={currentData} />}</div>
    </section>
  );
}

function Verdict({ audit }: { audit: Schemas["RunAudit"] }) {
  const { ok, rows, record_seq: record, seq } = audit;
  if (!ok) {
    return (
      <p data-bad="true">
        {words.bad(seq === null || seq === undefined ? "" : words.atRow(seq))} {audit.fact}
      </p>
    );
  }
  return (
    <p>
      {words.good(rows)} {record !== null && words.record(record)}
    </p>
  );
}
