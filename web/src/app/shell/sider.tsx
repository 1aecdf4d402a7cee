import MenuFoldOutlined from "@ant-design/icons/MenuFoldOutlined";
import MenuUnfoldOutlined from "@ant-design/icons/MenuUnfoldOutlined";
import { Link, useLocation } from "react-router";

import { texts } from "@/shared/texts";
import { BrandMark } from "@/shared/ui/brand-mark";

import { type PageEntry, PAGES } from "../pages";
import { useCountApprovalsQuery } from "./count-approvals";
import styles from "./sider.module.css";

interface Props {
  isNarrow: boolean;
  onToggle: () => void;
  version: string;
}

/** The pages, with labels or as icons alone. */
export function Sider({ isNarrow, onToggle, version }: Props) {
  const { pathname } = useLocation();
  const label = isNarrow ? texts.shell.expand : texts.shell.collapse;
  return (
    <nav className={styles["sider"]} data-narrow={isNarrow} aria-label={texts.shell.navigation}>
      <div className={styles["brand"]}>
        <BrandMark />
        {!isNarrow && <span>{texts.common.product}</span>}
      </div>
      <ul>
        {PAGES.map((page) => {
          const { name, path, icon: Icon } = page;
          return (
            <li key={name}>
              <Link
                to={path}
                title={isNarrow ? texts.shell.pages[name] : undefined}
                aria-current={isAt(page, pathname) ? "page" : undefined}
              >
                <Icon aria-hidden />
                <span>{texts.shell.pages[name]}</span>
              </Link>
              {name === "workflows" && <Approvals />}
            </li>
          );
        })}
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

function isAt({ path, also = [] }: PageEntry, pathname: string): boolean {
  const isBelow = (one: string) => pathname === one || pathname.startsWith(`${one}/`);
  return path === "/" ? pathname === "/" : [path, ...also].some(isBelow);
}

/** How many decisions wait for whoever looks, with the way there. */
function Approvals() {
  const { data } = useCountApprovalsQuery();
  const count = data?.items.length ?? 0;
  if (count === 0) return null;
  const label = texts.shell.approvals(count, data?.next ? "+" : "");
  return (
    <Link className={styles["count"]} to="/approvals" aria-label={label} title={label}>
      {data?.next ? `${count}+` : count}
    </Link>
  );
}
