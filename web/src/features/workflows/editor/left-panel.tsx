import PlusOutlined from "@ant-design/icons/PlusOutlined";
import UnorderedListOutlined from "@ant-design/icons/UnorderedListOutlined";
import { Button, Drawer, Tabs } from "antd";
import { useState } from "react";

import { useMedia } from "@/shared/hooks/use-media";
import { texts } from "@/shared/texts";

import styles from "./editor.module.css";
import type { Overlay } from "./model/overlay";
import type { Offer } from "./model/templates";
import { Outline } from "./palette/outline";
import { PalettePanel } from "./palette/palette-panel";
import type { Editor } from "./use-editor";

const words = texts.workflowsEditor;
/** There the flow has all the width, and the panel is behind a button. */
const SMALL = "(max-width: 900px)";

interface Props {
  editor: Editor;
  offers: readonly Offer[];
  overlay: ReadonlyMap<string, Overlay>;
  isReadOnly: boolean;
  onAdd: (offer: Offer) => void;
  onDrag: (isDragging: boolean) => void;
}

/** What can be added, and the flow as a list; behind a button where there is no room beside the flow. */
export function LeftPanel(props: Props) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  if (!useMedia(SMALL))
    return (
      <div className={`${styles["side"] ?? ""} ${styles["left"] ?? ""}`}>
        <Parts {...props} onDone={close} />
      </div>
    );
  const icon = props.isReadOnly ? <UnorderedListOutlined aria-hidden /> : <PlusOutlined aria-hidden />;
  return (
    <>
      <Button className={styles["opener"] ?? ""} icon={icon} onClick={() => setOpen(true)}>
        {props.isReadOnly ? words.left.outline : words.insertTitle}
      </Button>
      <Drawer
        open={isOpen}
        onClose={close}
        placement="bottom"
        size="80vh"
        title={words.leftLabel}
        destroyOnHidden
      >
        <div className={styles["side"]}>
          <Parts {...props} onDone={close} />
        </div>
      </Drawer>
    </>
  );
}

function Parts({
  editor,
  offers,
  overlay,
  isReadOnly,
  onAdd,
  onDrag,
  onDone,
}: Props & { onDone: () => void }) {
  const outline = (
    <Outline
      block={editor.root}
      selected={editor.selected}
      overlay={overlay}
      onSelect={(pointer) => {
        editor.select([pointer]);
        onDone();
      }}
    />
  );
  const add = (offer: Offer) => {
    onAdd(offer);
    onDone();
  };
  const palette = <PalettePanel offers={offers} onAdd={add} onDrag={onDrag} />;
  const items = [
    ...(isReadOnly ? [] : [{ key: "palette", label: words.left.palette, children: palette }]),
    { key: "outline", label: words.left.outline, children: outline },
  ];
  return <Tabs aria-label={words.leftLabel} tabBarGutter={18} items={items} />;
}
