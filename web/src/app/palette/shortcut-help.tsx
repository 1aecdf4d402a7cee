import { Modal } from "antd";

import { texts } from "@/shared/texts";

import { PAGES } from "../pages";
import styles from "./shortcut-help.module.css";

const { editor } = texts.shell.keys;
const EDITOR_KEYS: [string[], string][] = [
  [["Ctrl", "S"], editor.save],
  [["Ctrl", "Enter"], editor.run],
  [["Ctrl", "Z"], editor.undo],
  [["Ctrl", "Y"], editor.redo],
  [["/"], editor.add],
  [["Enter"], editor.open],
  [["Del"], editor.remove],
  [["Alt", "↑"], editor.moveUp],
  [["Alt", "↓"], editor.moveDown],
];

/** The keys of the whole console, and those of the editor. */
export default function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const { keys, pages } = texts.shell;
  const rows: [string[], string][] = [
    [["Ctrl", "K"], keys.palette],
    [["/"], keys.slash],
    [["?"], keys.help],
    [["["], keys.sider],
    [["Esc"], keys.close],
    ...EDITOR_KEYS,
    ...PAGES.map((page): [string[], string] => [["g", page.key], keys.goTo(pages[page.name])]),
  ];
  return (
    <Modal open onCancel={onClose} footer={null} title={texts.shell.shortcuts}>
      <dl className={styles["keys"]}>
        {rows.map(([pressed, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {pressed.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
