import { Dropdown, type MenuProps } from "antd";
import { useEffect, useRef, useState } from "react";

import { type Face, FaceButton } from "./face-button";

/** The button with its menu, which is open at once: whoever had it loaded asked for it. */
export default function MenuDropdown({ menu, ...face }: Face & { menu: MenuProps }) {
  const [isOpen, setOpen] = useState(true);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []); // the one that had the focus made room for it
  return (
    <Dropdown menu={menu} trigger={["click"]} open={isOpen} onOpenChange={setOpen}>
      <FaceButton {...face} ref={button} />
    </Dropdown>
  );
}
