import CheckCircleFilled from "@ant-design/icons/CheckCircleFilled";
import ClockCircleFilled from "@ant-design/icons/ClockCircleFilled";
import CloseCircleFilled from "@ant-design/icons/CloseCircleFilled";
import LoadingOutlined from "@ant-design/icons/LoadingOutlined";
import MinusCircleOutlined from "@ant-design/icons/MinusCircleOutlined";
import RedoOutlined from "@ant-design/icons/RedoOutlined";

import { texts } from "@/shared/texts";
import { took } from "@/shared/ui/units";

import type { Mark, Overlay } from "../model/overlay";
import styles from "./canvas.module.css";

const words = texts.workflowsEditor;

const ICONS: Record<Mark, typeof CheckCircleFilled> = {
  running: LoadingOutlined,
  waiting: ClockCircleFilled,
  completed: CheckCircleFilled,
  faulted: CloseCircleFilled,
  skipped: MinusCircleOutlined,
  retried: RedoOutlined,
  cancelled: MinusCircleOutlined,
};

/** What a run did at a task: its state, how long it took, how often. */
export function OverlayMark({ seen }: { seen: Overlay }) {
  const Icon = ICONS[seen.mark];
  const facts = [
    seen.took > 0 && took(seen.took),
    seen.visits > 1 && words.visits(seen.visits),
    seen.retries > 0 && words.retries(seen.retries),
  ].filter(Boolean);
  return (
    <span className={styles["mark"]} data-mark={seen.mark} title={words.marks[seen.mark]}>
      <Icon aria-hidden />
      <span className={styles["unseen"]}>{words.marks[seen.mark]}</span>
      {facts.length > 0 && <span>{facts.join(" · ")}</span>}
    </span>
  );
}
