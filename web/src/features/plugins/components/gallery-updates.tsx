import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListOutdatedQuery } from "../api/list-outdated";
import styles from "./gallery.module.css";
import { InstallButton } from "./install-button";

const words = texts.plugins.gallery;

/** The plugins whose source has a newer version, and the sources that did not answer. */
export function GalleryUpdates() {
  const { data, error, isLoading, refetch } = useListOutdatedQuery();
  if (isLoading) return <Loading rows={4} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const shown = data.items.filter((one) => one.reference || one.problem);
  if (shown.length === 0) return <EmptyState title={words.upToDate} next={words.upToDateNext} />;
  return (
    <Panel title={words.views.updates}>
      <ul className={styles["rows"]} aria-label={words.views.updates}>
        {shown.map((one) => (
          <li key={one.plugin}>
            <div>
              <strong>{one.plugin}</strong>{" "}
              <span>{one.reference ? `${one.version} → ${one.newest}` : one.version}</span>
              <p className={styles["muted"]}>{one.problem || one.source}</p>
            </div>
            {one.reference && (
              <InstallButton name={one.plugin} reference={one.reference} installed={one.version} />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
