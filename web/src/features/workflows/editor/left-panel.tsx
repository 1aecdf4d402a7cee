import { Tabs } from "antd";

import { texts } from "@/shared/texts";

import styles from "./editor.module.css";
import type { Overlay } from "./model/overlay";
import type { Offer } from "./model/templates";
import { Outline } from "./palette/outline";
import { PalettePanel } from "./palette/palette-panel";
import type { Editor } from "./use-editor";

const words = texts.workflowsEditor;

interface Props {
  editor: Editor;
  offers: readonly Offer[];
  overlay: ReadonlyMap<string, Overlay>;
  isReadOnly: boolean;
  onAdd: (offer: Offer) => void;
  onDrag: (isDragging: boolean) => void;
}

/** What can be added, and the flow as a list. */
export function LeftPanel({ editor, offers, overlay, isReadOnly, onAdd, onDrag }: Props) {
  const outline = (
    <Outline
      block={editor.root}
      selected={editor.selected}
      overlay={overlay}
      onSelect={(pointer) => editor.select([pointer])}
    />
  );
  const palette = <PalettePanel offers={offers} onAdd={onAdd} onDrag={onDrag} />;
  const items = [
    ...(isReadOnly ? [] : [{ key: "palette", label: words.left.palette, children: palette }]),
    { key: "outline", label: words.left.outline, children: outline },
  ];
  return (
    <div className={`${styles["side"] ?? ""} ${styles["left"] ?? ""}`}>
      <Tabs aria-label={words.leftLabel} tabBarGutter={18} items={items} />
    </div>
  );
}
