import type { MenuProps } from "antd";
import { lazy, Suspense, useState } from "react";

import { type Face, FaceButton } from "./face-button";

const load = () => import("./menu-dropdown");
const MenuDropdown = lazy(load);
const preload = () => void load();

/** A button with a menu. Menus weigh more than all else in the head, so they come when somebody comes near. */
export function MenuButton({ menu, ...face }: Face & { menu: MenuProps }) {
  const [isWanted, setWanted] = useState(false);
  const still = (
    <FaceButton {...face} onPointerEnter={preload} onFocus={preload} onClick={() => setWanted(true)} />
  );
  if (!isWanted) return still;
  return (
    <Suspense fallback={still}>
      <MenuDropdown menu={menu} {...face} />
    </Suspense>
  );
}
