import LockOutlined from "@ant-design/icons/LockOutlined";
import { Button, Input, Segmented } from "antd";
import { useDeferredValue, useMemo } from "react";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListSettingsQuery } from "../api/list-settings";
import { sectionsOf, showOf, SHOWS } from "../configuration";
import styles from "./configuration.module.css";
import { SettingRow } from "./setting-row";
import { WaitingPanel } from "./waiting-panel";

/** What holds and why, section by section, and what can be changed here. */
export function ConfigurationTab() {
  const { data, error, isLoading, refetch } = useListSettingsQuery();
  const [query, setQuery] = useSearchParams();
  const search = query.get("q") ?? "";
  const show = showOf(query.get("show"));
  const sought = useDeferredValue(search);
  const sections = useMemo(() => sectionsOf(data?.items ?? [], sought, show), [data, sought, show]);
  const words = texts.settings.configuration;
  const typed = (text: string) => setQuery(withParts(query, { q: text || undefined }), { replace: true });
  if (isLoading) return <Loading rows={10} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  return (
    <div className={styles["configuration"]}>
      <WaitingPanel settings={data.items.filter((item) => item.waiting)} />
      <div className={styles["tools"]}>
        <Input.Search
          className={styles["search"] ?? ""}
          value={search}
          allowClear
          aria-label={words.search}
          placeholder={words.searchHint}
          onChange={(event) => typed(event.target.value)}
        />
        <Segmented
          aria-label={words.show}
          value={show}
          options={SHOWS.map((name) => ({ value: name, label: words.shows[name] }))}
          onChange={(name) =>
            setQuery(withParts(query, { show: name === "all" ? undefined : name }), { replace: true })
          }
        />
      </div>
      {show !== "editable" && (
        <p className={styles["legend"]}>
          <LockOutlined aria-hidden /> {words.fixed}
        </p>
      )}
      {sections.length === 0 && (
        <EmptyState
          title={words.nothing}
          next={words.nothingNext}
          action={<Button onClick={() => setQuery({}, { replace: true })}>{words.showAll}</Button>}
        />
      )}
      {sections.map(({ name, settings }) => (
        <Panel key={name} title={words.sections[name] ?? name} extra={words.count(settings.length)}>
          <ul className={styles["rows"]}>
            {settings.map((setting) => (
              <SettingRow key={setting.name} setting={setting} />
            ))}
          </ul>
        </Panel>
      ))}
    </div>
  );
}
