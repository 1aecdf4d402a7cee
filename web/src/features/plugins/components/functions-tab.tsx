import { Input } from "antd";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";

import type { PastCall } from "../logic/history";
import { hasUpgrade, type Plugin } from "../logic/review";
import { shortHash } from "../logic/short-hash";
import { FunctionPanel } from "./function-panel";
import styles from "./functions.module.css";

interface Props {
  plugin: Plugin;
  past: PastCall[];
  onPast: (change: (past: PastCall[]) => PastCall[]) => void;
}

const words = texts.plugins.calls;
const MANY = 8;

/** The functions, and the one that the address names with its form. */
export function FunctionsTab({ plugin, past, onPast }: Props) {
  const [params] = useSearchParams();
  const [text, setText] = useState("");
  const names = Object.keys(plugin.functions);
  const wanted = params.get("function") ?? "";
  const name = Object.hasOwn(plugin.functions, wanted) ? wanted : names[0];
  const shown = name === undefined ? undefined : plugin.functions[name];
  if (name === undefined || !shown) return <EmptyState title={words.none} next={words.noneNext} />;
  const found = names.filter((one) => one.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <>
      {hasUpgrade(plugin) && plugin.serving && (
        <p className={styles["note"]}>{words.ofNewest(shortHash(plugin.serving))}</p>
      )}
      <div className={styles["split"]}>
        <nav className={styles["names"]} aria-label={words.functions}>
          {names.length > MANY && (
            <Input
              aria-label={words.filter}
              placeholder={words.filter}
              value={text}
              allowClear
              onChange={(event) => setText(event.target.value)}
            />
          )}
          <ul>
            {found.map((one) => (
              <li key={one}>
                <Link
                  to={{ search: `?${new URLSearchParams({ function: one }).toString()}` }}
                  aria-current={one === name ? "page" : undefined}
                >
                  {one}
                </Link>
              </li>
            ))}
          </ul>
          {found.length === 0 && <p>{words.noneFound}</p>}
        </nav>
        <FunctionPanel key={name} plugin={plugin} name={name} view={shown} past={past} onPast={onPast} />
      </div>
    </>
  );
}
