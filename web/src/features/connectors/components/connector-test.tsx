import { Button } from "antd";
import type { ReactNode } from "react";

import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { took } from "@/shared/ui/units";

import { useTestConnectorMutation } from "../api/test-connector";
import { problemOfTest } from "../logic/connector";
import styles from "./connectors.module.css";

const words = texts.connectors.detail;

/** Asks the other side whether it answers and takes the credentials. `children` are further buttons. */
export function ConnectorTest({ name, children }: { name: string; children: ReactNode }) {
  const [test, { data, error, isLoading }] = useTestConnectorMutation();
  const failed = data && problemOfTest(data);
  return (
    <>
      <div className={styles["buttons"]}>
        <Button type="primary" loading={isLoading} aria-label={words.test} onClick={() => void test(name)}>
          {words.test}
        </Button>
        {children}
      </div>
      <div aria-live="polite" className={styles["live"]}>
        {data?.ok && (
          <p className={styles["good"]} role="status">
            {words.testOk(took(data.took_s ?? 0))}
          </p>
        )}
        {!isLoading && <ProblemNotice problem={failed ?? error} />}
      </div>
    </>
  );
}
