import CaretRightOutlined from "@ant-design/icons/CaretRightOutlined";
import EditOutlined from "@ant-design/icons/EditOutlined";
import { Button } from "antd";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { useAddress } from "@/shared/hooks/use-address";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { AboutPanel } from "./components/about-panel";
import { OnSwitch } from "./components/on-switch";
import { RunList } from "./components/run-list";
import { StartDrawer } from "./components/start-drawer";
import { TriggersPanel } from "./components/triggers-panel";
import { VersionsPanel } from "./components/versions-panel";
import { WorkflowMenu } from "./components/workflow-menu";
import styles from "./components/workflows.module.css";
import { useGetWorkflowQuery } from "./editor/api/get-workflow";

const words = texts.workflows;

/** One workflow: what it is, how it begins, its runs, and a way to start one. */
export function OverviewPage() {
  const { workflow = "" } = useParams();
  const { currentData: data, error, refetch } = useGetWorkflowQuery(workflow);
  if (data) return <Shown key={data.id} workflow={data} />;
  const isGone = error !== undefined && asProblem(error).status === 404;
  return (
    <>
      <PageHeader title={workflow} />
      {isGone ? (
        <EmptyState
          title={words.gone}
          next={words.goneNext}
          action={<Link to="/workflows">{words.toList}</Link>}
        />
      ) : (
        <ProblemNotice problem={error} onRetry={() => void refetch()} />
      )}
      {!error && <Loading rows={8} />}
    </>
  );
}

function Shown({ workflow }: { workflow: Schemas["Workflow"] }) {
  const { id, title, name, summary, enabled } = workflow;
  const [query] = useSearchParams();
  const change = useAddress();
  const navigate = useNavigate();
  const mayRun = useMay("operator");
  const shown = title || name;
  return (
    <>
      <PageHeader
        title={shown}
        lead={summary}
        tags={!enabled && <StateTag state="disabled" label={words.off} />}
        actions={<Actions workflow={workflow} onStart={() => change({ start: "" })} />}
      />
      {!enabled && <p className={styles["muted"]}>{words.offText}</p>}
      <div className={styles["columns"]}>
        <section aria-label={words.runsOf} className={styles["stack"]}>
          <div className={styles["head"]}>
            <h2>{words.runsOf}</h2>
            <Link to={{ pathname: "/runs", search: `?workflow=${encodeURIComponent(id)}` }}>
              {words.allRuns}
            </Link>
          </div>
          <RunList
            filter={{ workflow: id }}
            empty={<EmptyState title={words.runs.none} next={words.runs.noneNext} />}
          />
        </section>
        <div className={styles["stack"]}>
          <TriggersPanel workflow={workflow} />
          <AboutPanel workflow={workflow} />
          <VersionsPanel workflow={workflow} />
        </div>
      </div>
      {mayRun && (
        <StartDrawer
          isOpen={query.has("start") && enabled}
          workflow={workflow}
          onClose={() => change({ start: undefined })}
          onStarted={(run) => void navigate(`/workflows/runs/${run}`)}
        />
      )}
    </>
  );
}

function Actions({ workflow, onStart }: { workflow: Schemas["Workflow"]; onStart: () => void }) {
  const { id, title, name, enabled } = workflow;
  const mayRun = useMay("operator");
  const mayEdit = useMay("admin");
  const navigate = useNavigate();
  return (
    <>
      <span className={styles["tall"]}>
        <OnSwitch id={id} isOn={enabled} />
      </span>
      {mayEdit && (
        <Button
          icon={<EditOutlined aria-hidden />}
          aria-label={words.edit}
          onClick={() => void navigate(`/workflows/${encodeURIComponent(id)}/edit`)}
        >
          {words.edit}
        </Button>
      )}
      {mayRun && (
        <Button
          type="primary"
          icon={<CaretRightOutlined aria-hidden />}
          disabled={!enabled}
          aria-label={words.run}
          onClick={onStart}
        >
          {words.run}
        </Button>
      )}
      <span className={styles["tall"]}>
        <WorkflowMenu id={id} title={title || name} />
      </span>
    </>
  );
}
