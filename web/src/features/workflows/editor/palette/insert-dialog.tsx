import { Input, type InputRef, Modal } from "antd";
import { useEffect, useId, useRef, useState } from "react";

import { texts } from "@/shared/texts";

import { KindIcon } from "../canvas/kind-icon";
import { matching, type Offer } from "../model/templates";
import styles from "./palette.module.css";
import { OfferWords } from "./palette-panel";

const words = texts.workflowsEditor;

interface Props {
  isOpen: boolean;
  offers: readonly Offer[];
  onChoose: (offer: Offer) => void;
  onClose: () => void;
  /** When it is gone, so that the focus can go on where the new step is. */
  afterClose: () => void;
}

/** Chooses what to add, with the keyboard alone when one likes. */
export function InsertDialog({ isOpen, offers, onChoose, onClose, afterClose }: Props) {
  return (
    <Modal
      open={isOpen}
      title={words.insertTitle}
      footer={null}
      onCancel={onClose}
      afterClose={afterClose}
      width={480}
      destroyOnHidden
    >
      <Chooser offers={offers} onChoose={onChoose} />
    </Modal>
  );
}

function Chooser({ offers, onChoose }: Pick<Props, "offers" | "onChoose">) {
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<InputRef>(null);
  useEffect(() => field.current?.focus(), []);
  const id = useId();
  const found = matching(offers, search);
  const chosen = found[Math.min(at, found.length - 1)];
  const move = (by: number) => {
    const next = Math.max(0, Math.min(found.length - 1, at + by));
    setAt(next);
    document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(by);
  };
  return (
    <div className={styles["chooser"]}>
      <Input
        ref={field}
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={chosen ? `${id}-${found.indexOf(chosen)}` : undefined}
        aria-label={words.insertSearch}
        placeholder={words.insertSearch}
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        onPressEnter={() => chosen && onChoose(chosen)}
      />
      {found.length === 0 && <p className={styles["hint"]}>{words.nothing}</p>}
      <ul id={id} role="listbox" aria-label={words.insertTitle}>
        {found.map((offer, index) => (
          // The keys are the field's.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={offer.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={offer === chosen}
            onClick={() => onChoose(offer)}
          >
            <KindIcon kind={offer.kind} call={offer.id} />
            <OfferWords offer={offer} />
            <span className={styles["about"]}>{offer.about}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
