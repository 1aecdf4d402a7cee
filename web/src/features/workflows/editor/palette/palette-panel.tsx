import { Input } from "antd";
import { useRef, useState } from "react";

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
  const [at, setAt] = useState<string>();
  const list = useRef<HTMLDivElement>(null);
  const found = matching(offers, search);
  const shown = GROUPS.flatMap((group) => found.filter((offer) => offer.group === group));
  const stop = shown.find(({ id }) => id === at) ?? shown[0];
  const move = (event: React.KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = [...(list.current?.querySelectorAll<HTMLElement>("li > button") ?? [])];
    const now = all.findIndex((one) => one === document.activeElement);
    const next = by === undefined ? undefined : all[now < 0 ? 0 : now + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    // The keys are the field's and the buttons'.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className={styles["palette"]} ref={list} onKeyDown={move}>
      <Input
        allowClear
        type="search"
        value={search}
        placeholder={words.insertSearch}
        aria-label={words.insertSearch}
        onChange={(event) => setSearch(event.target.value)}
        onPressEnter={() => search.trim() && shown[0] && onAdd(shown[0])}
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
                    tabIndex={offer === stop ? 0 : -1} // one stop for all; arrows go on from there
                    onFocus={() => setAt(offer.id)}
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
