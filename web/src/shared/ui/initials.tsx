import styles from "./initials.module.css";

/** The first letters of a name's words, for what has no picture of its own: `text-tools` is TT, `counter` is Co. */
function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const [first = "?", second] = words;
  const letters = second ? `${first.charAt(0)}${second.charAt(0).toUpperCase()}` : first.slice(0, 2);
  return letters.charAt(0).toUpperCase() + letters.slice(1);
}

/** Initials in place of a picture; the name itself stands beside it. */
export function Initials({ name }: { name: string }) {
  return (
    <span className={styles["initials"]} aria-hidden>
      {initialsOf(name)}
    </span>
  );
}
