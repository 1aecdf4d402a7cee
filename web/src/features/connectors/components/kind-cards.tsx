import { Input } from "antd";
import { useState } from "react";

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
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const found = kinds.filter(({ name, title, description }) =>
    [name, title, description].some((text) => text.toLowerCase().includes(wanted)),
  );
  return (
    <>
      <p className={styles["muted"]}>{words.kindsLead}</p>
      <Input
        type="search"
        allowClear
        value={filter}
        aria-label={words.kindsFilter}
        placeholder={words.kindsFilter}
        onChange={(event) => setFilter(event.target.value)}
      />
      {found.length === 0 && <p>{words.kindsNone}</p>}
      <ul className={styles["kinds"]} aria-label={words.kinds}>
        {found.map((kind) => (
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
