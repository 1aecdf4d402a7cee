import { CopyButton } from "./copy-button";
import styles from "./code-block.module.css";

interface Props {
  text: string;
  /** What it is, for who cannot see it. */
  label: string;
  /** Pixels before it scrolls. */
  maxHeight?: number;
}

/** Text as it is, with a button that copies it. */
export function CodeBlock({ text, label, maxHeight = 360 }: Props) {
  return (
    <div className={styles["block"]}>
      {/* Keyboards can scroll it only when it takes the focus. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label={label} style={{ maxHeight }}>
        <code>{text}</code>
      </pre>
      <div className={styles["copy"]}>
        <CopyButton text={text} />
      </div>
    </div>
  );
}
