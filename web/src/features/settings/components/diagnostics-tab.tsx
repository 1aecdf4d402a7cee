import DownloadOutlined from "@ant-design/icons/DownloadOutlined";
import { Button } from "antd";

import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useMakeDiagnosticsMutation } from "../api/make-diagnostics";
import { saveFile } from "../save-file";
import { TabHead } from "./tab-head";
import styles from "./tab.module.css";

/** One file for somebody who helps. */
export function DiagnosticsTab() {
  const [make, { data, error, isLoading, isSuccess }] = useMakeDiagnosticsMutation();
  const words = texts.settings.diagnostics;
  const download = () =>
    void make().then((answer) => {
      if (answer.data) saveFile(answer.data);
    });
  const button = (
    <Button type="primary" icon={<DownloadOutlined />} loading={isLoading} onClick={download}>
      {words.download}
    </Button>
  );
  return (
    <div className={styles["column"]}>
      <TabHead title={words.title} lead={words.lead} actions={button} />
      <ProblemNotice problem={error} />
      {isSuccess && <p role="status">{words.saved(data.name)}</p>}
      <Panel title={words.holds}>
        <Facts facts={words.files} />
        <p className={styles["muted"]}>{words.not}</p>
      </Panel>
    </div>
  );
}
