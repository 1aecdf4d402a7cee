import { Templates } from "@rjsf/antd";
import type { IconButtonProps } from "@rjsf/utils";
import type { ComponentType } from "react";

import { texts } from "@/shared/texts";

type IconButton = ComponentType<IconButtonProps>;

const words = texts.common.formButtons;
const {
  AddButton: Add,
  CopyButton: Copy,
  MoveDownButton: Down,
  MoveUpButton: Up,
  RemoveButton: Remove,
  ClearButton: Clear,
} = Templates.ButtonTemplates as Record<string, IconButton>;

/** The library's buttons, which have only icons, with a name. */
function named(Button: IconButton | undefined, name: string): IconButton {
  return function Named(props) {
    return Button ? <Button {...props} title={name} aria-label={name} /> : null;
  };
}

export const buttonTemplates = {
  AddButton: named(Add, words.add),
  CopyButton: named(Copy, words.copy),
  MoveDownButton: named(Down, words.down),
  MoveUpButton: named(Up, words.up),
  RemoveButton: named(Remove, words.remove),
  ClearButton: named(Clear, words.clear),
};
