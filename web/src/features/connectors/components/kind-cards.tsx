import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import styles from "./connectors.module.css";

type Kind = Schemas["ConnectorKind"];

interface Props {
  kinds: Kind[];
  onChoose: (kind: Kind) => void;
}

/** The kinds to choose from; one whose driver is missing says so. */
export function KindCards({ kinds, onChoose }: Props) {
  const words = texts.connectors.form;
  return (
    <>
      <p className={styles["muted"]}>{words.kindsLead}</p>
      <ul className={styles["kinds"]} aria-label={words.kinds}>
        {kinds.map((kind) => (
          <li key={kind.name}>
            <button type="button" disabled={kind.problem !== undefined} onClick={() => onChoose(kind)}>
              <strong>{kind.title}</strong>
              <span>
                {kind.problem === undefined ? kind.description : `${words.unusable}: ${kind.problem}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
