import { Button } from "antd";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGiveGrantMutation } from "../api/give-grant";
import { useShowUpgradeQuery } from "../api/show-upgrade";
import { cannot, leftOver, type Permission, permissionsOf } from "../logic/permissions";
import type { Plugin } from "../logic/review";
import { PermissionCard } from "./permission-card";
import styles from "./permissions.module.css";

const words = texts.plugins.rights;

/** What the plugin asks for and why, what it was given, and what it cannot do. */
export function PermissionsTab({ plugin }: { plugin: Plugin }) {
  const isNative = plugin.trust === "native";
  if (isNative) return <div className={styles["native"]}>{words.native}</div>;
  return <Sandboxed plugin={plugin} />;
}

function Sandboxed({ plugin }: { plugin: Plugin }) {
  const mayGrant = useMay("admin", plugin.name);
  const { data: upgrade } = useShowUpgradeQuery(plugin.name);
  const [grant, { isLoading, error }] = useGiveGrantMutation();
  const wider = new Set(
    upgrade?.changes.filter((one) => one.change === "wider").map((one) => one.capability),
  );
  const digest = upgrade?.digest ?? null;
  const permissions = permissionsOf(plugin, wider);
  const missing = permissions.filter(isMissing);
  const over = leftOver(plugin);
  return (
    <div className={styles["grid"]}>
      <div className={styles["column"]}>
        <div className={styles["head"]}>
          <h2>{words.asks}</h2>
          {mayGrant && missing.length > 1 && (
            <Button
              type="primary"
              loading={isLoading}
              aria-label={words.grantAll}
              onClick={() => void grant({ plugin: plugin.name, capability: null, digest })}
            >
              {words.grantAll}
            </Button>
          )}
        </div>
        <ProblemNotice problem={error} />
        {permissions.length === 0 && <EmptyState title={words.asksNothing} next={words.asksNothingNext} />}
        <ul className={styles["cards"]} aria-label={words.asks}>
          {permissions.map((permission) => (
            <PermissionCard
              key={permission.name}
              plugin={plugin.name}
              permission={permission}
              digest={digest}
              mayGrant={mayGrant}
            />
          ))}
        </ul>
        {over.length > 0 && (
          <>
            <h2 className={styles["title"]}>{words.leftOver}</h2>
            <ul className={styles["cards"]} aria-label={words.leftOver}>
              {over.map((one) => (
                <PermissionCard
                  key={one.capability}
                  plugin={plugin.name}
                  permission={{
                    name: one.capability,
                    scope: one.scope,
                    reason: "",
                    warnings: [],
                    grant: one,
                    standing: "granted",
                  }}
                  digest={digest}
                  mayGrant={mayGrant}
                />
              ))}
            </ul>
          </>
        )}
      </div>
      <Panel title={words.cannot}>
        <p className={styles["muted"]}>{words.cannotLead}</p>
        <ul className={styles["cannot"]}>
          {cannot(permissions).map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function isMissing({ standing }: Permission): boolean {
  return standing === "not-granted" || standing === "narrower";
}
