import DeleteOutlined from "@ant-design/icons/DeleteOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { AutoComplete, Button, Select } from "antd";

import type { Role } from "@/shared/api/session";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { useListSettingPluginsQuery } from "../api/list-setting-plugins";
import type { PluginRole } from "../plugin-roles";
import styles from "./role-fields.module.css";

const ROLES: Role[] = ["nobody", "viewer", "operator", "admin"];

interface Props {
  role: Role;
  onRole: (role: Role) => void;
  plugins: PluginRole[];
  onPlugins: (plugins: PluginRole[]) => void;
  /** The highest that can be chosen. */
  most?: Role;
  isFixed?: boolean;
}

/** A role, and higher ones for single plugins. */
export function RoleFields({ role, onRole, plugins, onPlugins, most = "admin", isFixed = false }: Props) {
  const { data: names = [] } = useListSettingPluginsQuery();
  const words = texts.settings.fields;
  const options = ROLES.slice(0, ROLES.indexOf(most) + 1).map(optionOf);
  const change = (index: number, part: Partial<PluginRole>) =>
    onPlugins(plugins.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const left = names.filter((name) => !plugins.some((one) => one.plugin === name));
  return (
    <>
      <Field label={words.role} hint={texts.settings.roleHint[role]}>
        {(input) => (
          <Select
            {...input}
            className={styles["select"] ?? ""}
            value={role}
            disabled={isFixed}
            options={options}
            onChange={onRole}
          />
        )}
      </Field>
      <fieldset className={styles["plugins"]}>
        <legend>{words.plugins}</legend>
        {plugins.map((one, index) => (
          <div key={index} className={styles["line"]}>
            <AutoComplete
              aria-label={words.plugin}
              value={one.plugin}
              options={left.map((value) => ({ value }))}
              showSearch={{ filterOption: (typed, option) => option?.value.includes(typed) ?? false }}
              onChange={(plugin: string) => change(index, { plugin })}
            />
            <Select
              aria-label={words.pluginRole(one.plugin)}
              value={one.role}
              options={ROLES.slice(1).map(optionOf)}
              onChange={(next) => change(index, { role: next })}
            />
            <Button
              type="text"
              icon={<DeleteOutlined />}
              aria-label={words.removePlugin(one.plugin)}
              onClick={() => onPlugins(plugins.filter((_, at) => at !== index))}
            />
          </div>
        ))}
        <Button
          size="small"
          icon={<PlusOutlined />}
          onClick={() => onPlugins([...plugins, { plugin: "", role: "operator" }])}
        >
          {words.addPlugin}
        </Button>
        <p>{words.pluginsHint}</p>
      </fieldset>
    </>
  );
}

function optionOf(role: Role) {
  return { value: role, label: texts.shell.roles[role] };
}
