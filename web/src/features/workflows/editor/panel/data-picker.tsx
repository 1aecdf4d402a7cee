import { Tree } from "antd";

import { texts } from "@/shared/texts";

import type { Datum } from "../model/data";
import { shown } from "../model/about";
import { useData } from "./data-context";
import styles from "./panel.module.css";

interface Leaf {
  key: string;
  title: React.ReactNode;
  children: Leaf[];
}

/** The data that an expression can name, as a tree; a click writes the path. */
export function DataPicker({ onPick }: { onPick: (path: string) => void }) {
  const { tree, isKnown } = useData();
  return (
    <div className={styles["picker"]}>
      {!isKnown && <p className={styles["muted"]}>{texts.workflowsEditor.forms.noData}</p>}
      <Tree<Leaf>
        aria-label={texts.workflowsEditor.forms.data}
        treeData={tree.map(leafOf)}
        defaultExpandedKeys={["."]}
        blockNode
        onSelect={(_, { node }) => onPick(node.key)}
      />
    </div>
  );
}

function leafOf({ path, label, value, isKnown, children }: Datum): Leaf {
  return {
    key: path,
    title: (
      <span className={styles["datum"]}>
        <code>{label}</code>
        {isKnown && <span>{shown(value ?? null)}</span>}
      </span>
    ),
    children: children.map(leafOf),
  };
}
