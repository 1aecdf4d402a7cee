import CaretRightOutlined from "@ant-design/icons/CaretRightOutlined";
import { Button } from "antd";
import { useNavigate } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import styles from "./workflows.module.css";
import { WorkflowMenu } from "./workflow-menu";

const words = texts.workflows;

/** What can be done with a workflow of the list. */
export function RowActions({ line }: { line: Schemas["WorkflowLine"] }) {
  const mayRun = useMay("operator");
  const navigate = useNavigate();
  return (
    // Clicks here do not open the row; what is here has its own keys.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <span className={styles["actions"]} onClick={(event) => event.stopPropagation()}>
      {mayRun && (
        <Button
          size="small"
          type="text"
          icon={<CaretRightOutlined aria-hidden />}
          disabled={!line.enabled}
          aria-label={words.start.title(line.title || line.name)}
          title={words.run}
          onClick={() => void navigate(`/workflows/${encodeURIComponent(line.id)}?start`)}
        />
      )}
      <WorkflowMenu id={line.id} title={line.title || line.name} />
    </span>
  );
}
