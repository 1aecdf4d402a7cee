import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListLatestEventsQuery } from "../api/list-latest-events";
import { subjectOf } from "../logic/figures";
import styles from "./rows.module.css";

const READ = 100;
const SHOWN = 10;
/** They come every few seconds and would push out what one wants to see; the page of events has them. */
const ROUTINE = "loop.cycle.";

/** What happened last. */
export function EventsPanel() {
  const { data, error, isLoading, refetch } = useListLatestEventsQuery(READ);
  const shown = data?.items.filter((event) => !event.topic.startsWith(ROUTINE)).slice(0, SHOWN);
  return (
    <Panel title={texts.home.events} extra={<Link to="/events">{texts.home.toEvents}</Link>}>
      {isLoading && <Loading rows={6} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data?.items.length === 0 && <EmptyState title={texts.home.noEvents} next={texts.home.noEventsNext} />}
      {data && data.items.length > 0 && shown?.length === 0 && (
        <EmptyState title={texts.home.onlyRoutine} next={texts.home.onlyRoutineNext} />
      )}
      {shown && shown.length > 0 && (
        <ul className={styles["rows"]}>
          {shown.map((event) => (
            <li key={event.id}>
              <span className={styles["name"]}>
                <Link to={{ pathname: "/events", search: `?event=${event.id}` }}>
                  <code>{event.topic}</code>
                </Link>{" "}
                <span className={styles["beside"]}>{subjectOf(event.data) ?? event.source}</span>
              </span>
              <span className={styles["end"]}>
                <TimeAgo at={event.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
