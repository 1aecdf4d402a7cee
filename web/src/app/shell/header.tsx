import MoonOutlined from "@ant-design/icons/MoonOutlined";
import QuestionCircleOutlined from "@ant-design/icons/QuestionCircleOutlined";
import SearchOutlined from "@ant-design/icons/SearchOutlined";
import SunOutlined from "@ant-design/icons/SunOutlined";
import UserOutlined from "@ant-design/icons/UserOutlined";
import { Button } from "antd";

import { CHOICES as LANGUAGES, choose as chooseLanguage, tag } from "@/shared/language/language";
import type { Session, User } from "@/shared/api/session";
import { useDeleteSessionMutation } from "@/shared/api/delete-session";
import { texts } from "@/shared/texts";
import { type ThemeChoice, useTheme } from "@/shared/theme/theme-provider";

import styles from "./header.module.css";
import { LiveMark } from "./live-mark";
import { MenuButton } from "./menu-button";
import type { Overlay } from "./shell";

interface Props {
  session: Session;
  user: User;
  onOpen: (overlay: Overlay) => void;
}

const CHOICES: ThemeChoice[] = ["light", "dark", "system"];
const IS_MAC = navigator.userAgent.includes("Mac");

/** The head of the console: find, live state, theme, help, account. */
export function Header({ session, user, onOpen }: Props) {
  const { choice, isDark, choose } = useTheme();
  const [logOut] = useDeleteSessionMutation();
  const account = [
    { key: "who", disabled: true, label: `${user.name} · ${texts.shell.roles[user.role]}` },
    {
      key: "language",
      label: texts.shell.language,
      children: LANGUAGES.map((one) => ({
        key: one.tag,
        label: <span lang={one.tag}>{one.name}</span>,
        onClick: () => chooseLanguage(one.tag),
      })),
    },
    ...(session.via === "session"
      ? [
          { key: "password", label: texts.shell.changePassword, onClick: () => onOpen("password") },
          { key: "logout", label: texts.shell.logout, onClick: () => void logOut() },
        ]
      : []),
  ];
  const themes = {
    selectable: true,
    selectedKeys: [choice],
    items: CHOICES.map((key) => ({ key, label: texts.shell.themes[key], onClick: () => choose(key) })),
  };
  return (
    <header className={styles["header"]}>
      <button type="button" className={styles["find"]} onClick={() => onOpen("palette")}>
        <SearchOutlined aria-hidden />
        <span>{texts.shell.search}</span>
        <kbd>{IS_MAC ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <div className={styles["tools"]}>
        <LiveMark />
        <MenuButton
          menu={themes}
          icon={isDark ? <MoonOutlined /> : <SunOutlined />}
          label={texts.shell.theme}
        />
        <Button
          type="text"
          icon={<QuestionCircleOutlined />}
          aria-label={texts.shell.shortcuts}
          onClick={() => onOpen("help")}
        />
        <MenuButton
          menu={{ items: account, selectable: true, selectedKeys: [tag] }}
          icon={<UserOutlined />}
          label={texts.shell.user(user.name)}
        />
      </div>
    </header>
  );
}
