import { Input } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";

import { startDrag } from "../canvas/canvas-context";
import { KindIcon } from "../canvas/kind-icon";
import { matching, type Offer } from "../model/templates";
import styles from "./palette.module.css";

const words = texts.workflowsEditor;
const GROUPS = ["control", "plugins", "connectors", "host"] as const;

interface Props {
  offers: readonly Offer[];
  onAdd: (offer: Offer) => void;
  onDrag: (isDragging: boolean) => void;
}

/** What can be put into the flow: dragged there, or added behind what is selected. */
export function PalettePanel({ offers, onAdd, onDrag }: Props) {
  const [search, setSearch] = useState("");
  const found = matching(offers, search);
  return (
    <div className={styles["palette"]}>
      <Input
        allowClear
        type="search"
        value={search}
        placeholder={words.insertSearch}
        aria-label={words.insertSearch}
        onChange={(event) => setSearch(event.target.value)}
      />
      {found.length === 0 && <p className={styles["hint"]}>{words.nothing}</p>}
      {GROUPS.map((group) => {
        const own = found.filter((offer) => offer.group === group);
        if (own.length === 0) return null;
        return (
          <section key={group} aria-label={words.groups[group]}>
            <h2>{words.groups[group]}</h2>
            <ul>
              {own.map((offer) => (
                <li key={offer.id}>
                  <button
                    type="button"
                    draggable
                    title={offer.about}
                    onClick={() => onAdd(offer)}
                    onDragStart={(event) => {
                      startDrag(event, `offer:${offer.id}`);
                      onDrag(true);
                    }}
                    onDragEnd={() => onDrag(false)}
                  >
                    <KindIcon kind={offer.kind} call={offer.id} />
                    <OfferWords offer={offer} />
                  </button>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <p className={styles["hint"]}>{words.drag}</p>
    </div>
  );
}

/** What an offer is called, and whose it is. */
export function OfferWords({ offer }: { offer: Offer }) {
  return (
    <span className={styles["words"]}>
      <span>{offer.title}</span>
      {offer.owner && <span className={styles["owner"]}>{offer.owner}</span>}
    </span>
  );
}
