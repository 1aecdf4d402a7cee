import ApiOutlined from "@ant-design/icons/ApiOutlined";
import AppstoreAddOutlined from "@ant-design/icons/AppstoreAddOutlined";
import AppstoreOutlined from "@ant-design/icons/AppstoreOutlined";
import BranchesOutlined from "@ant-design/icons/BranchesOutlined";
import BulbOutlined from "@ant-design/icons/BulbOutlined";
import ClusterOutlined from "@ant-design/icons/ClusterOutlined";
import HomeOutlined from "@ant-design/icons/HomeOutlined";
import OrderedListOutlined from "@ant-design/icons/OrderedListOutlined";
import SettingOutlined from "@ant-design/icons/SettingOutlined";
import ThunderboltOutlined from "@ant-design/icons/ThunderboltOutlined";

import type { texts } from "@/shared/texts";

type PageName = keyof typeof texts.shell.pages;

export interface PageEntry {
  name: PageName;
  path: string;
  icon: typeof HomeOutlined;
  /** Pressed after `g`. */
  key: string;
  /** Other addresses that belong to it. */
  also?: readonly string[];
}

/** The pages of the navigation, the palette and the shortcuts. */
export const PAGES: readonly PageEntry[] = [
  { name: "home", path: "/", icon: HomeOutlined, key: "h" },
  { name: "plugins", path: "/plugins", icon: AppstoreOutlined, key: "p" },
  { name: "gallery", path: "/gallery", icon: AppstoreAddOutlined, key: "g" },
  {
    name: "workflows",
    path: "/workflows",
    icon: BranchesOutlined,
    key: "w",
    also: ["/runs", "/approvals", "/searches"],
  },
  { name: "tasks", path: "/tasks", icon: OrderedListOutlined, key: "t" },
  { name: "memory", path: "/memory", icon: BulbOutlined, key: "m" },
  { name: "connectors", path: "/connectors", icon: ApiOutlined, key: "c" },
  { name: "hosts", path: "/hosts", icon: ClusterOutlined, key: "o" },
  { name: "events", path: "/events", icon: ThunderboltOutlined, key: "e" },
  { name: "settings", path: "/settings", icon: SettingOutlined, key: "s" },
];
