import MoreOutlined from "@ant-design/icons/MoreOutlined";
import { Button, Dropdown } from "antd";

import { texts } from "@/shared/texts";

export interface Action {
  key: string;
  label: string;
  isDanger?: boolean;
  run: () => void;
}

/** What can be done with a row. */
export function RowActions({ name, actions }: { name: string; actions: Action[] }) {
  const items = actions.map(({ key, label, isDanger = false, run }) => ({
    key,
    label,
    danger: isDanger,
    onClick: run,
  }));
  const label = texts.settings.actionsOf(name);
  return (
    <Dropdown menu={{ items }} trigger={["click"]} placement="bottomRight">
      <Button
        size="small"
        type="text"
        icon={<MoreOutlined />}
        aria-label={label}
        aria-haspopup="menu"
        title={label}
      />
    </Dropdown>
  );
}
