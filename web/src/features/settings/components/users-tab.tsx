import UserOutlined from "@ant-design/icons/UserOutlined";
import { Button } from "antd";
import { useState } from "react";

import { rowsOf } from "@/shared/api/cursor-pages";
import { useGetSessionQuery } from "@/shared/api/session";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListUsersInfiniteQuery } from "../api/list-users";
import { AddUserDialog } from "./add-user-dialog";
import { RowActions } from "./row-actions";
import { TabHead } from "./tab-head";
import styles from "./tab.module.css";
import { type Doing, UserDialogs } from "./user-dialogs";

type User = Schemas["User"];

/** Who may use the host, and what for. */
export function UsersTab() {
  const pages = useListUsersInfiniteQuery();
  const { data: session } = useGetSessionQuery();
  const [isAdding, setAdding] = useState(false);
  const [doing, setDoing] = useState<Doing>();
  const words = texts.settings.users;
  const add = (
    <Button type="primary" onClick={() => setAdding(true)}>
      {words.add}
    </Button>
  );
  return (
    <>
      <TabHead title={words.title} lead={words.lead} actions={add} />
      <CursorTable
        label={words.title}
        columns={columnsFor(session?.user?.name, setDoing)}
        rows={rowsOf(pages.data)}
        rowKey={(user) => user.id}
        pages={pages}
        empty={<EmptyState icon={<UserOutlined />} title={words.none} next={words.noneNext} />}
      />
      <AddUserDialog isOpen={isAdding} isFirst={session?.setup ?? false} onClose={() => setAdding(false)} />
      <UserDialogs doing={doing} onClose={() => setDoing(undefined)} />
    </>
  );
}

function columnsFor(own: string | undefined, onDo: (doing: Doing) => void): Column<User>[] {
  const words = texts.settings.users;
  return [
    {
      key: "name",
      title: words.name,
      width: "minmax(140px, 1.6fr)",
      render: (user) => (
        <span className={styles["own"]}>
          {user.name}
          {user.name === own && <span className={styles["muted"]}>({words.you})</span>}
          {user.second && <span className={styles["muted"]}>{words.by[user.second]}</span>}
        </span>
      ),
    },
    {
      key: "role",
      title: words.role,
      width: "minmax(110px, 1fr)",
      render: (user) => texts.shell.roles[user.role],
    },
    {
      key: "plugins",
      title: words.plugins,
      width: "minmax(80px, 0.8fr)",
      render: (user) => (
        <span title={rolesOf(user)}>{words.pluginRoles(Object.keys(user.plugins).length)}</span>
      ),
    },
    {
      key: "login",
      title: words.lastLogin,
      width: "minmax(120px, 1fr)",
      render: (user) => <TimeAgo at={user.last_login_at} />,
    },
    {
      key: "state",
      title: words.state,
      width: "110px",
      render: (user) => (
        <StateTag
          state={user.disabled ? "disabled" : "enabled"}
          label={user.disabled ? words.disabled : words.active}
        />
      ),
    },
    {
      key: "actions",
      title: texts.settings.actions,
      width: "64px",
      render: (user) => <RowActions name={user.name} actions={actionsFor(user, onDo)} />,
    },
  ];
}

function rolesOf(user: User): string {
  return Object.entries(user.plugins)
    .map(([plugin, role]) => `${plugin}: ${texts.shell.roles[role]}`)
    .join("\n");
}

function actionsFor(user: User, onDo: (doing: Doing) => void) {
  const words = texts.settings.users;
  const act = (what: Doing["what"]) => () => onDo({ what, user });
  return [
    { key: "roles", label: words.change, run: act("roles") },
    ...(user.second ? [] : [{ key: "password", label: words.reset, run: act("password") }]),
    user.disabled
      ? { key: "enable", label: words.enable, run: act("enable") }
      : { key: "disable", label: words.disable, run: act("disable") },
    { key: "remove", label: words.remove, isDanger: true, run: act("remove") },
  ];
}
