import LaptopOutlined from "@ant-design/icons/LaptopOutlined";
import { Button } from "antd";
import { useState } from "react";

import { rowsOf } from "@/shared/api/cursor-pages";
import { useDeleteSessionMutation } from "@/shared/api/delete-session";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useEndSessionMutation } from "../api/end-session";
import { useListSessionsInfiniteQuery } from "../api/list-sessions";
import { browserOf } from "../browsers";
import { TabHead } from "./tab-head";
import styles from "./tab.module.css";

type LoggedIn = Schemas["LoggedIn"];

/** One's own sessions, to administrators all of them. */
export function SessionsTab() {
  const pages = useListSessionsInfiniteQuery();
  const isAdmin = useMay("admin");
  const [ended, setEnded] = useState<LoggedIn>();
  const [end, ending] = useEndSessionMutation();
  const [logOut, leaving] = useDeleteSessionMutation();
  const words = texts.settings.sessions;
  const close = () => {
    setEnded(undefined);
    ending.reset();
  };
  const confirm = (session: LoggedIn) => {
    // Logging out takes the cookie along.
    void (session.current ? logOut() : end(session.id)).then((answer) => {
      if (!answer.error) close();
    });
  };
  return (
    <>
      <TabHead title={words.title} lead={isAdmin ? words.leadAll : words.leadOwn} />
      <CursorTable
        label={words.title}
        columns={columnsFor(isAdmin, setEnded)}
        rows={rowsOf(pages.data)}
        rowKey={(session) => session.id}
        pages={pages}
        empty={<EmptyState icon={<LaptopOutlined />} title={words.none} next={words.noneNext} />}
      />
      {ended && (
        <ConfirmDialog
          isOpen
          title={ended.current ? words.endOwnTitle : words.endTitle(ended.user)}
          action={words.end}
          isBusy={ending.isLoading || leaving.isLoading}
          problem={ending.error ?? leaving.error}
          onConfirm={() => confirm(ended)}
          onClose={close}
        >
          {ended.current ? words.endOwnText : words.endText}
        </ConfirmDialog>
      )}
    </>
  );
}

function columnsFor(isAdmin: boolean, onEnd: (session: LoggedIn) => void): Column<LoggedIn>[] {
  const words = texts.settings.sessions;
  const user: Column<LoggedIn> = {
    key: "user",
    title: words.user,
    width: "minmax(110px, 1fr)",
    render: (session) => session.user,
  };
  return [
    ...(isAdmin ? [user] : []),
    {
      key: "agent",
      title: words.agent,
      width: "minmax(210px, 1.8fr)",
      render: (session) => (
        <span className={styles["own"]} title={session.agent}>
          {browserOf(session.agent)}
          {session.current && <span className={styles["muted"]}>({words.current})</span>}
        </span>
      ),
    },
    { key: "from", title: words.from, width: "minmax(100px, 1fr)", render: (session) => session.from },
    {
      key: "created",
      title: words.created,
      width: "minmax(110px, 0.9fr)",
      render: (session) => (
        <span title={words.via[session.via]}>
          <TimeAgo at={session.created_at} />
        </span>
      ),
    },
    {
      key: "seen",
      title: words.seen,
      width: "minmax(100px, 0.9fr)",
      render: (one) => <TimeAgo at={one.seen_at} />,
    },
    {
      key: "expires",
      title: words.expires,
      width: "minmax(90px, 0.9fr)",
      render: (session) => <TimeAgo at={session.expires_at} />,
    },
    {
      key: "actions",
      title: texts.settings.actions,
      width: "72px",
      render: (session) => (
        <Button
          size="small"
          aria-label={words.endOf(session.user, browserOf(session.agent))}
          onClick={() => onEnd(session)}
        >
          {words.end}
        </Button>
      ),
    },
  ];
}
