import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";
import { bytes } from "@/shared/ui/units";

import { type Entry, entryPath } from "../logic/gallery";
import styles from "./gallery.module.css";
import { GalleryIcon } from "./gallery-icon";
import { Standing, Verified } from "./gallery-tags";

const words = texts.plugins.gallery;

/** One plugin of the gallery: enough to see whether it is worth a look. */
export function GalleryCard({ entry }: { entry: Entry }) {
  const { name, description, newest, index } = entry;
  return (
    <li className={styles["card"]}>
      <div className={styles["top"]}>
        <GalleryIcon entry={entry} />
        <div className={styles["names"]}>
          <h2>
            <Link to={entryPath(name)}>{name}</Link>
          </h2>
          <small>{words.about(newest.version, bytes(newest.size_bytes), index)}</small>
        </div>
      </div>
      <p className={styles["description"]}>{description || texts.plugins.overview.noDescription}</p>
      <div className={styles["tags"]}>
        <Verified version={newest} />
        <Standing entry={entry} />
      </div>
      <ul className={styles["asks"]} aria-label={words.asks(name)}>
        {newest.capabilities.length === 0 && <li>{words.asksNothing}</li>}
        {newest.capabilities.map((one) => (
          <li key={one.name}>
            <StateTag
              state="asked"
              tone="warn"
              label={texts.plugins.rights.kinds[one.name]?.title ?? one.name}
            />
          </li>
        ))}
      </ul>
    </li>
  );
}
