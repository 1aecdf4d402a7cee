import { lazy, Suspense, useEffect, useState } from "react";
import { Outlet, useNavigate } from "react-router";

import type { Session, User } from "@/shared/api/session";
import { useHotkeys } from "@/shared/hooks/use-hotkeys";
import { useLiveReady } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";

import { PAGES } from "../pages";
import { Header } from "./header";
import { LocalBanner } from "./local-banner";
import styles from "./shell.module.css";
import { Sider } from "./sider";

const Palette = lazy(() => import("../palette/palette"));
const ShortcutHelp = lazy(() => import("../palette/shortcut-help"));
const PasswordDialog = lazy(() => import("@/features/session"));

export type Overlay = "palette" | "help" | "password";

const KEPT = "omnicore-sider";
/** So wide are windows that have room for icons only. */
const NARROW = "(max-width: 899px)";

/** The frame of every page: navigation, head, and what opens above. */
export function Shell({ session, user }: { session: Session; user: User }) {
  const [isNarrow, setNarrow] = useState(() => readKept() ?? window.innerWidth < 900);
  const [overlay, setOverlay] = useState<Overlay>();
  const navigate = useNavigate();
  useEffect(() => {
    const narrow = window.matchMedia(NARROW);
    const follow = ({ matches }: MediaQueryListEvent) => setNarrow(matches || (readKept() ?? false));
    narrow.addEventListener("change", follow);
    return () => narrow.removeEventListener("change", follow);
  }, []);
  const isReady = useLiveReady();
  const toggle = () => {
    setNarrow(!isNarrow);
    writeKept(!isNarrow);
  };
  useHotkeys({
    "mod+k": () => setOverlay("palette"),
    "/": () => setOverlay("palette"),
    "?": () => setOverlay("help"),
    "[": toggle,
    ...Object.fromEntries(PAGES.map((page) => [`g ${page.key}`, () => void navigate(page.path)])),
  });
  const close = () => setOverlay(undefined);
  return (
    <div className={styles["shell"]} data-narrow={isNarrow}>
      <a className={styles["skip"]} href="#content" onClick={skip}>
        {texts.shell.skip}
      </a>
      <Sider isNarrow={isNarrow} onToggle={toggle} version={session.host.version} />
      <div className={styles["side"]}>
        <Header session={session} user={user} onOpen={setOverlay} />
        {session.via === "local" && session.setup && <LocalBanner />}
        <main id="content" tabIndex={-1} className={styles["content"]}>
          {isReady ? <Outlet /> : <Loading rows={6} />}
        </main>
      </div>
      <Suspense>
        {overlay === "palette" && <Palette onClose={close} onOpen={setOverlay} />}
        {overlay === "help" && <ShortcutHelp onClose={close} />}
        {overlay === "password" && <PasswordDialog isOpen onClose={close} />}
      </Suspense>
    </div>
  );
}

function skip(event: React.MouseEvent): void {
  event.preventDefault(); // the address is the router's
  document.getElementById("content")?.focus();
}

function readKept(): boolean | undefined {
  try {
    const value = window.localStorage.getItem(KEPT);
    return value === null ? undefined : value === "narrow";
  } catch {
    return undefined;
  }
}

function writeKept(isNarrow: boolean): void {
  try {
    window.localStorage.setItem(KEPT, isNarrow ? "narrow" : "wide");
  } catch {
    // then it is for this visit only
  }
}
