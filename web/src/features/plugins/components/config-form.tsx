import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { useSetPluginConfigMutation } from "../api/set-config";
import { schemaOf, uiSchemaOf, without } from "../logic/config";
import styles from "./config.module.css";

interface Props {
  name: string;
  config: Schemas["PluginConfig"];
}

const words = texts.plugins.care;

/** The settings in a form, and where each value comes from. */
export function ConfigForm({ name, config }: Props) {
  const maySet = useMay("admin", name);
  const [save, { isLoading, isSuccess, error }] = useSetPluginConfigMutation();
  const send = (values: Record<string, unknown>) => void save({ plugin: name, values });
  const stored = Object.keys(config.origins).filter((setting) => config.origins[setting] === "stored");
  return (
    <div className={styles["grid"]} data-wide={stored.length === 0}>
      <Panel title={words.config}>
        <SchemaForm
          key={JSON.stringify(config)}
          schema={schemaOf(config)}
          uiSchema={uiSchemaOf(config)}
          value={config.values}
          submit={words.save}
          isBusy={isLoading}
          isDisabled={!maySet}
          onSubmit={(values) => send(values as Record<string, unknown>)}
        />
        <p role="status" className={styles["saved"]}>
          {isSuccess && words.saved}
        </p>
        <ProblemNotice problem={error} />
      </Panel>
      {stored.length > 0 && (
        <Panel title={words.stored}>
          <p className={styles["hint"]}>{words.storedHint}</p>
          <ul className={styles["stored"]} aria-label={words.stored}>
            {stored.map((setting) => (
              <li key={setting}>
                <span className={styles["name"]}>{setting}</span>
                {maySet && (
                  <Button
                    size="small"
                    aria-label={words.forgetOf(setting)}
                    onClick={() => send(without(config, setting))}
                  >
                    {words.forget}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}
