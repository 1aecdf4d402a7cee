import BranchesOutlined from "@ant-design/icons/BranchesOutlined";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";

import { Beginnings } from "./beginnings";
import styles from "./workflows.module.css";

const words = texts.workflows;

/** Where there is none yet: what to begin from. */
export function FirstWorkflows() {
  const mayEdit = useMay("admin");
  return (
    <div className={styles["stack"]}>
      <EmptyState
        icon={<BranchesOutlined />}
        title={words.none}
        next={mayEdit ? words.noneNext : words.noneReader}
      />
      {mayEdit && <Beginnings />}
    </div>
  );
}
