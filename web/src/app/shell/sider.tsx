import MenuFoldOutlined from "@ant-design/icons/MenuFoldOutlined";
import MenuUnfoldOutlined from "@ant-design/icons/MenuUnfoldOutlined";
import { NavLink } from "react-router";

import { texts } from "@/shared/texts";
import { BrandMark } from "@/shared/ui/brand-mark";

import { PAGES } from "../pages";
import styles from "./sider.module.css";

interface Props {
  isNarrow: boolean;
  onToggle: () => void;
  version: string;
}

/** The pages, with labels or as icons alone. */
export function Sider({ isNarrow, onToggle, version }: Props) {
  const label = isNarrow ? texts.shell.expand : texts.shell.collapse;
  return (
    <nav className={styles["sider"]} data-narrow={isNarrow} aria-label={texts.shell.navigation}>
      <div className={styles["brand"]}>
        <BrandMark />
        {!isNarrow && <span>{texts.common.product}</span>}
      </div>
      <ul>
        {PAGES.map(({ name, path, icon: Icon }) => (
          <li key={name}>
            <NavLink to={path} end={path === "/"} title={isNarrow ? texts.shell.pages[name] : undefined}>
              <Icon aria-hidden />
              <span>{texts.shell.pages[name]}</span>
            </NavLink>
          </li>
        ))}
      </ul>
      <div className={styles["foot"]}>
        {!isNarrow && <small>{version}</small>}
        <button type="button" onClick={onToggle} aria-label={label} title={`${label} ( [ )`}>
          {isNarrow ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
        </button>
      </div>
    </nav>
  );
}
