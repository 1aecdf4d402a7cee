import { Link } from "react-router";

import { texts } from "@/shared/texts";

import styles from "./local-banner.module.css";

/** While there are no users: who is on this machine may do everything, which is not for long. */
export function LocalBanner() {
  return (
    <aside className={styles["banner"]} aria-label={texts.shell.localAction}>
      <span>
        <strong>{texts.shell.localTitle}</strong> {texts.shell.localText}
      </span>
      <Link to="/setup">{texts.shell.localAction}</Link>
    </aside>
  );
}
