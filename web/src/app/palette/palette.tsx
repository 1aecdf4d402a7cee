import { Input, Modal } from "antd";
import { type KeyboardEvent, useId, useMemo, useState } from "react";

import { texts } from "@/shared/texts";

import type { Overlay } from "../shell/shell";
import { matching } from "./matching";
import styles from "./palette.module.css";
import { useTargets } from "./use-targets";

interface Props {
  onClose: () => void;
  onOpen: (overlay: Overlay) => void;
}

const MOST = 12;

/** Finds a page, a plugin or an action by a few letters. */
export default function Palette({ onClose, onOpen }: Props) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const targets = useTargets(onOpen);
  const found = useMemo(() => matching(targets, typed, MOST), [targets, typed]);
  const run = (index: number) => {
    const target = found[index];
    if (!target) return;
    onClose();
    target.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setChosen((chosen + step + found.length) % found.length);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      run(chosen);
    }
  };
  return (
    <Modal
      open
      onCancel={onClose}
      footer={null}
      closable={false}
      width={560}
      style={{ top: 96 }}
      title={<span className={styles["title"]}>{texts.shell.search}</span>}
    >
      <Input
        // eslint-disable-next-line jsx-a11y/no-autofocus -- who opens it wants to type
        autoFocus
        size="large"
        role="combobox"
        aria-label={texts.shell.searchHint}
        aria-expanded={found.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={found[chosen] ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        placeholder={texts.shell.searchHint}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={texts.shell.results} className={styles["list"]}>
        {found.map((target, index) => (
          // The keys of a list that is chosen from are on its text field.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={target.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => run(index)}
            onMouseMove={() => setChosen(index)}
          >
            <span>{target.label}</span>
            <small>{texts.shell.groups[target.group]}</small>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p role="status">{texts.shell.nothingFound}</p>}
    </Modal>
  );
}
