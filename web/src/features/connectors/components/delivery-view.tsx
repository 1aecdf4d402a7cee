import CloseOutlined from "@ant-design/icons/CloseOutlined";
import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { bytes } from "@/shared/ui/units";

import { useRedeliverMutation } from "../api/redeliver";
import { useShowDeliveryQuery } from "../api/show-delivery";
import { bodyText } from "../logic/body";
import styles from "./connectors.module.css";

interface Props {
  webhook: string;
  delivery: string;
  onClose: () => void;
}

const words = texts.connectors.deliveries;

/** One delivery with its body, and the button that publishes it again. */
export function DeliveryView({ webhook, delivery, onClose }: Props) {
  const { data, error, isLoading, refetch } = useShowDeliveryQuery({ webhook, delivery });
  const [redeliver, again] = useRedeliverMutation();
  const mayRedeliver = useMay("operator");
  const close = (
    <Button size="small" type="text" icon={<CloseOutlined />} aria-label={words.close} onClick={onClose} />
  );
  return (
    <Panel title={words.one} extra={close}>
      {isLoading && <Loading rows={4} />}
      {!data && <ProblemNotice problem={error} onRetry={() => void refetch()} />}
      {data && (
        <div className={styles["column"]}>
          <Facts
            facts={[
              [words.id, <code key="id">{data.id}</code>],
              [words.media, data.media || texts.common.none],
              [words.size, bytes(data.body_bytes)],
            ]}
          />
          <Body delivery={data} />
          {mayRedeliver && (
            <div className={styles["buttons"]}>
              <Button
                loading={again.isLoading}
                aria-label={words.redeliver}
                onClick={() => void redeliver({ webhook, delivery })}
              >
                {words.redeliver}
              </Button>
              <span role="status">{again.isSuccess && words.redelivered}</span>
            </div>
          )}
          <ProblemNotice problem={again.error} />
        </div>
      )}
    </Panel>
  );
}

function Body({ delivery }: { delivery: Schemas["WebhookDeliveryBody"] }) {
  if (delivery.body_bytes === 0) return <p className={styles["muted"]}>{words.empty}</p>;
  return (
    <>
      {delivery.text === null && <p className={styles["muted"]}>{words.notText}</p>}
      <CodeBlock text={bodyText(delivery)} label={words.body} />
    </>
  );
}
