import { Button } from "antd";
import { useNavigate } from "react-router";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListExamplesQuery } from "../editor/api/list-examples";
import styles from "./workflows.module.css";

const words = texts.workflows.beginnings;

/** What a workflow may begin from: nothing, a text of one's own, or one of those that come with the host. */
export function Beginnings() {
  const { data, error, isLoading, refetch } = useListExamplesQuery();
  const navigate = useNavigate();
  return (
    <div className={styles["stack"]}>
      <ul className={styles["examples"]} aria-label={words.label}>
        <li>
          <h2>{words.empty}</h2>
          <p>{words.emptyText}</p>
          <Button type="primary" onClick={() => void navigate("/workflows/new")}>
            {words.emptyAction}
          </Button>
        </li>
        <li>
          <h2>{words.own}</h2>
          <p>{words.ownText}</p>
          <Button onClick={() => void navigate("/workflows?import=")}>{words.ownAction}</Button>
        </li>
        {data?.items.map(({ name, title, summary }) => (
          <li key={name}>
            <h2>{title}</h2>
            <p>{summary}</p>
            <Button
              aria-label={words.beginWith(title)}
              onClick={() => void navigate(`/workflows/new?example=${encodeURIComponent(name)}`)}
            >
              {words.begin}
            </Button>
          </li>
        ))}
      </ul>
      {isLoading && <Loading rows={4} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
    </div>
  );
}
