import BranchesOutlined from "@ant-design/icons/BranchesOutlined";
import { Button } from "antd";
import { useNavigate } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCreateWorkflowMutation } from "../editor/api/create-workflow";
import styles from "./workflows.module.css";

const words = texts.workflows;

/** Where there is none yet: a few to begin with. */
export function FirstWorkflows() {
  const mayEdit = useMay("admin");
  const navigate = useNavigate();
  const [create, { error, isLoading, originalArgs }] = useCreateWorkflowMutation();
  const begin = async (text: string) => {
    const { data } = await create(text);
    if (data) await navigate(`/workflows/${encodeURIComponent(data.id)}`);
  };
  return (
    <div className={styles["stack"]}>
      <EmptyState
        icon={<BranchesOutlined />}
        title={words.none}
        next={mayEdit ? words.noneNext : words.noneReader}
      />
      <ProblemNotice problem={error} />
      {mayEdit && (
        <ul className={styles["examples"]} aria-label={words.examples}>
          {texts.workflowsExamples.map(({ name, title, about, text }) => (
            <li key={name}>
              <h2>{title}</h2>
              <p>{about}</p>
              <Button
                loading={isLoading && originalArgs === text}
                aria-label={words.beginWith(title)}
                onClick={() => void begin(text)}
              >
                {words.begin}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
