import { Link } from "react-router";

const LONGEST = 300;

/** Something that is known of a step: a run leads there, all else is text. */
export function MetaValue({ name, value }: { name: string; value: unknown }) {
  if (name === "run" && typeof value === "string") {
    return <Link to={`/workflows/runs/${encodeURIComponent(value)}`}>{value}</Link>;
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return <>{text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}</>;
}
