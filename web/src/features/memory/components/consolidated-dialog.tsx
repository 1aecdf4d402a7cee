import { Modal } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { count } from "@/shared/ui/units";

import { tierName } from "../logic/policy";

type Report = Schemas["Consolidated"];

interface Props {
  report: Report | undefined;
  problem: unknown;
  onClose: () => void;
}

/** What consolidation did. */
export function ConsolidatedDialog({ report, problem, onClose }: Props) {
  const facts = report ? factsOf(report) : [];
  return (
    <Modal
      open={report !== undefined || problem !== undefined}
      title={texts.memory.consolidate.title}
      okText={texts.common.close}
      onOk={onClose}
      onCancel={onClose}
      footer={(_, { OkBtn }) => <OkBtn />}
      destroyOnHidden
    >
      <ProblemNotice problem={problem} />
      {report && facts.length === 0 && <p>{texts.memory.consolidate.nothing}</p>}
      {facts.length > 0 && <Facts facts={facts} />}
    </Modal>
  );
}

function factsOf(report: Report): [string, string][] {
  const words = texts.memory.consolidate;
  const moved = report.moved.map(({ from_tier, to_tier, count: many }): [string, string] => [
    words.moved(tierName(from_tier).toLowerCase(), tierName(to_tier).toLowerCase()),
    texts.memory.count(many),
  ]);
  const names = Object.keys(words.figures) as (keyof typeof words.figures)[];
  const others = names
    .filter((name) => report[name] > 0)
    .map((name): [string, string] => [words.figures[name], count(report[name])]);
  return [...moved, ...others];
}
