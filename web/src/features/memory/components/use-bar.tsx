import styles from "./memory.module.css";

interface Props {
  /** What it says, for who cannot see it. */
  label: string;
  used: number;
  most: number;
}

const FULL = 0.9;

/** How much of what may be used is used. */
export function UseBar({ label, used, most }: Props) {
  const share = most > 0 ? Math.min(1, used / most) : 0;
  return (
    <div className={styles["use"]} role="img" aria-label={label} title={label} data-full={share >= FULL}>
      <span style={{ width: `${share * 100}%` }} data-any={used > 0} />
    </div>
  );
}
