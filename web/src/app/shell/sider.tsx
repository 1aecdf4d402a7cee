import EllipsisOutlined from "@ant-design/icons/EllipsisOutlined";
import MenuFoldOutlined from "@ant-design/icons/MenuFoldOutlined";
import MenuUnfoldOutlined from "@ant-design/icons/MenuUnfoldOutlined";
import { useEffect, useId, useRef, useState } from "react";
import { Link, useLocation } from "react-router";

import { useHotkeys } from "@/shared/hooks/use-hotkeys";
import { useMedia } from "@/shared/hooks/use-media";
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

const PHONE = "(max-width: 700px)";
/** There the others are behind a button. */
const ON_PHONE: readonly string[] = ["home", "plugins", "workflows", "tasks"];

/** The pages, with labels or as icons alone. */
export function Sider({ isNarrow, onToggle, version }: Props) {
  const { pathname } = useLocation();
  const label = isNarrow ? texts.shell.expand : texts.shell.collapse;
  const isPhone = useMedia(PHONE);
  const [first, others] = isPhone ? parted() : [PAGES, []];
  return (
    <nav className={styles["sider"]} data-narrow={isNarrow} aria-label={texts.shell.navigation}>
      <div className={styles["brand"]}>
        <BrandMark />
        {!isNarrow && <span>{texts.common.product}</span>}
      </div>
      <ul>
        {first.map((page) => (
          <Entry key={page.name} {...{ page, pathname, isNarrow }} />
        ))}
        {isPhone && <More key={pathname} pages={others} pathname={pathname} />}
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

function parted(): [readonly PageEntry[], readonly PageEntry[]] {
  const isFirst = ({ name }: PageEntry) => ON_PHONE.includes(name);
  return [PAGES.filter(isFirst), PAGES.filter((page) => !isFirst(page))];
}

interface EntryProps {
  page: PageEntry;
  pathname: string;
  isNarrow: boolean;
}

function Entry({ page, pathname, isNarrow }: EntryProps) {
  const { name, path, icon: Icon } = page;
  return (
    <li>
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
}

/** The pages that have no room beside the first ones; closed anew on each page. */
function More({ pages, pathname }: { pages: readonly PageEntry[]; pathname: string }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const place = useRef<HTMLLIElement>(null);
  useHotkeys(isOpen ? { Escape: () => setOpen(false) } : {});
  useEffect(() => {
    if (!isOpen) return;
    const leave = ({ target }: PointerEvent) => {
      if (target instanceof Node && !place.current?.contains(target)) setOpen(false);
    };
    window.addEventListener("pointerdown", leave);
    return () => window.removeEventListener("pointerdown", leave);
  }, [isOpen]);
  const isHere = pages.some((page) => isAt(page, pathname));
  return (
    <li className={styles["more"]} ref={place}>
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={id}
        data-here={isHere}
        onClick={() => setOpen(!isOpen)}
      >
        <EllipsisOutlined aria-hidden />
        <span>{texts.shell.more}</span>
      </button>
      <ul id={id} hidden={!isOpen} aria-label={texts.shell.more}>
        {pages.map((page) => (
          <Entry key={page.name} {...{ page, pathname }} isNarrow={false} />
        ))}
      </ul>
    </li>
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
