import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { JsonView } from "@/shared/ui/json-view";

import styles from "./upgrade.module.css";

const words = texts.plugins.rights;

interface Props {
  name: string;
  before: Schemas["Function"];
  after: Schemas["Function"];
}

/** A function in two versions; only what is not the same. */
export function FunctionChange({ name, before, after }: Props) {
  const names = (Object.keys(after) as (keyof typeof after)[]).filter(
    (member) => JSON.stringify(before[member]) !== JSON.stringify(after[member]),
  );
  const part = (view: Props["after"]) => Object.fromEntries(names.map((member) => [member, view[member]]));
  return (
    <div className={styles["sides"]}>
      <div>
        <small>{words.before}</small>
        <JsonView value={part(before)} label={words.beforeOf(name)} maxHeight={240} />
      </div>
      <div>
        <small>{words.after}</small>
        <JsonView value={part(after)} label={words.afterOf(name)} maxHeight={240} />
      </div>
    </div>
  );
}
