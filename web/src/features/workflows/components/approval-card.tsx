import { Button } from "antd";
import { Link } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useDecideMutation } from "../api/decide";
import styles from "./workflows.module.css";

interface Props {
  approval: Schemas["Approval"];
  /** Whether it says which run asks, with a way there. */
  hasRun?: boolean;
  /** Told in words what was decided. */
  onDecided?: (said: string) => void;
}

const words = texts.workflows.approvals;

/** A question to a person: what it is about, what is to be filled in, and the two answers. */
export function ApprovalCard({ approval, hasRun = false, onDecided }: Props) {
  const { run, place, workflow, title, text, role, form } = approval;
  const [decide, { error, isLoading, originalArgs }] = useDecideMutation();
  const answer = async (approve: boolean, filled?: unknown) => {
    const given = filled === undefined ? {} : { form: filled };
    const { error: refused } = await decide({ run, place, approve, ...given });
    if (!refused) onDecided?.(approve ? words.approved : words.declined);
  };
  const decline = (
    <Button
      danger
      disabled={isLoading}
      loading={isLoading && originalArgs?.approve === false}
      aria-label={words.declineIt(title)}
      onClick={() => void answer(false)}
    >
      {words.decline}
    </Button>
  );
  const isAsked = Object.keys(form).length > 0;
  return (
    <article className={styles["card"]} aria-label={title}>
      <h2>{title}</h2>
      {text && <p className={styles["asked"]}>{text}</p>}
      <p className={styles["muted"]}>
        {hasRun && (
          <>
            {words.of} <Link to={`/workflows/${encodeURIComponent(workflow)}`}>{workflow}</Link>
            {" · "}
          </>
        )}
        {words.asked} <TimeAgo at={approval.asked_at} />
        {approval.deadline_at !== null && (
          <>
            {" · "}
            {words.deadline} <TimeAgo at={approval.deadline_at} />
          </>
        )}
        {" · "}
        {words.role(role)}
        {hasRun && (
          <>
            {" · "}
            <Link to={`/workflows/runs/${run}`}>{words.toRun}</Link>
          </>
        )}
      </p>
      {isAsked ? (
        <SchemaForm
          schema={form}
          submit={words.approve}
          isBusy={isLoading && originalArgs?.approve === true}
          isDisabled={isLoading}
          onSubmit={(filled) => void answer(true, filled ?? {})}
        >
          {decline}
        </SchemaForm>
      ) : (
        <div className={styles["bar"]}>
          <Button
            type="primary"
            disabled={isLoading}
            loading={isLoading && originalArgs?.approve === true}
            aria-label={words.approveIt(title)}
            onClick={() => void answer(true)}
          >
            {words.approve}
          </Button>
          {decline}
        </div>
      )}
      <ProblemNotice problem={error} />
    </article>
  );
}
