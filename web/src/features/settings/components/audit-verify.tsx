import SafetyCertificateOutlined from "@ant-design/icons/SafetyCertificateOutlined";
import { Button } from "antd";
import { useState } from "react";

import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useVerifyAuditMutation } from "../api/verify-audit";
import { type Verdict, verifyAll } from "../verify-all";
import styles from "./audit.module.css";
import { Notice } from "./notice";
import { TabHead } from "./tab-head";

const count = (rows: number) => rows.toLocaleString(locale);

/** The head of the record, with the button that recomputes it. */
export function AuditVerify() {
  const [verify] = useVerifyAuditMutation();
  const [verdict, setVerdict] = useState<Verdict>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const words = texts.settings.audit;
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    setVerdict(undefined);
    try {
      setVerdict(await verifyAll((from) => verify(from).unwrap(), setVerdict));
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const button = (
    <Button icon={<SafetyCertificateOutlined />} loading={isBusy} onClick={() => void run()}>
      {words.verify}
    </Button>
  );
  return (
    <div>
      <TabHead title={words.title} lead={words.lead} actions={button} />
      {(verdict ?? problem) !== undefined && (
        <div className={styles["verdict"]}>
          {verdict && <Told verdict={verdict} />}
          <ProblemNotice problem={problem} />
        </div>
      )}
      <p className={styles["export"]}>
        {words.exportHint} <code>{words.exportCommand}</code>
      </p>
    </div>
  );
}

function Told({ verdict }: { verdict: Verdict }) {
  const words = texts.settings.audit;
  if (!verdict.ok) {
    const title = verdict.broken_at === null ? words.brokenSomewhere : words.broken(verdict.broken_at);
    return (
      <Notice tone="bad" title={title}>
        {`${verdict.reason}\n${words.brokenRemedy}`}
      </Notice>
    );
  }
  if (!verdict.complete) return <Notice tone="calm" title={words.verifying(count(verdict.rows))} />;
  return (
    <Notice
      tone="good"
      title={words.whole(count(verdict.rows))}
      action={<CopyButton text={`${verdict.last.seq} ${verdict.last.hash}`} label={words.copyHash} />}
    >
      {words.wholeHint(verdict.last.seq)}
    </Notice>
  );
}
