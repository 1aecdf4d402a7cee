import InboxOutlined from "@ant-design/icons/InboxOutlined";

import { texts } from "@/shared/texts";

import styles from "./upload.module.css";

/** While files are held over the page: that they can be let go. */
export function DropOverlay() {
  return (
    <div className={styles["overlay"]} role="status">
      <InboxOutlined aria-hidden />
      <strong>{texts.plugins.upload.drop}</strong>
    </div>
  );
}
