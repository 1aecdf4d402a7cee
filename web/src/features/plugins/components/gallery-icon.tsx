import { useState } from "react";

import { prefix } from "@/shared/api/prefix";
import { Initials } from "@/shared/ui/initials";

import type { Entry } from "../logic/gallery";
import styles from "./gallery.module.css";

/** The icon of a plugin, which the host has checked; its initials where there is none that may be shown. */
export function GalleryIcon({ entry }: { entry: Entry }) {
  const [isBroken, setBroken] = useState(false);
  const source = `${prefix}/api/v1/gallery/${encodeURIComponent(entry.name)}/icon`;
  return (
    <span className={styles["icon"]}>
      {entry.icon && !isBroken ? (
        <img src={source} alt="" width={40} height={40} loading="lazy" onError={() => setBroken(true)} />
      ) : (
        <Initials name={entry.name} />
      )}
    </span>
  );
}
