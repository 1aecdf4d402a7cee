import { Button, type ButtonProps } from "antd";
import type { ReactNode, Ref } from "react";

export interface Face {
  icon: ReactNode;
  label: string;
}

/** What a menu is opened with: an icon with a name. */
export function FaceButton({ icon, label, ...rest }: Face & ButtonProps & { ref?: Ref<HTMLButtonElement> }) {
  return <Button {...rest} type="text" icon={icon} aria-label={label} aria-haspopup="menu" />;
}
