import { describe, expect, it } from "vitest";

import { meaning } from "./amounts";
import { filterOf, partsOf, rowOf } from "./audit-filter";
import { browserOf } from "./browsers";
import { sectionsOf, type Setting, shownValue, showOf } from "./configuration";
import { TABS, tabOf } from "./tabs";
import { kindOf } from "./value-kind";

const setting = (name: string, more: Partial<Setting> = {}): Setting => ({
  name,
  section: name.includes(".") ? (name.split(".")[0] ?? "") : "",
  doc: "",
  value: 1,
  default: 1,
  origin: "default",
  schema: {},
  secret: false,
  editable: true,
  fixed: "",
  restart: true,
  override: false,
  next: 1,
  waiting: false,
  ...more,
});

describe("settings", () => {
  const items = [
    setting("port", { editable: false, doc: "The port", value: 8080 }),
    setting("limits.timeout_s", { doc: "Longest call", override: true, origin: "console" }),
    setting("limits.fuel"),
  ];
  const names = (search: string, show: "all" | "changed" | "editable") =>
    sectionsOf(items, search, show).map(({ name, settings }) => [name, ...settings.map((one) => one.name)]);

  it("are found by any of their words, in their sections", () => {
    expect(names("", "all")).toEqual([
      ["", "port"],
      ["limits", "limits.timeout_s", "limits.fuel"],
    ]);
    expect(names("LONGEST limits", "all")).toEqual([["limits", "limits.timeout_s"]]);
    expect(names("8080", "all")).toEqual([["", "port"]]);
    expect(names("nothing", "all")).toEqual([]);
  });

  it("are left out when they are as they came, or not to be changed", () => {
    expect(names("", "changed")).toEqual([["limits", "limits.timeout_s"]]);
    expect(names("", "editable")).toEqual([["limits", "limits.timeout_s", "limits.fuel"]]);
    expect(showOf("changed")).toBe("changed");
    expect(showOf("x")).toBe("all");
  });

  it("never show a secret, and do not find it by its value", () => {
    const secret = setting("token", { secret: true, value: "hunter2" });
    expect(shownValue(secret)).toBe("set");
    expect(shownValue({ ...secret, value: null })).toBe("not set");
    expect(sectionsOf([secret], "hunter2", "all")).toEqual([]);
  });

  it("are edited by what their schema asks for", () => {
    expect(kindOf({ type: "boolean" })).toEqual({ kind: "flag" });
    expect(kindOf({ enum: ["info", "warn"] })).toEqual({ kind: "choice", choices: ["info", "warn"] });
    expect(kindOf({ anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }] })).toEqual({
      kind: "number",
      isWhole: true,
      isOptional: true,
      least: 0,
    });
    expect(kindOf({ type: "array", items: { type: "string" } })).toEqual({ kind: "texts" });
    expect(kindOf({ type: "object" })).toEqual({ kind: "json" });
    expect(kindOf({ anyOf: [{ type: "string" }, { type: "integer" }] })).toEqual({ kind: "json" });
  });

  it("say what a figure means by its unit", () => {
    expect(meaning("limits.memory_bytes", 1536)).toBe("1.5 KiB");
    expect(meaning("limits.timeout_s", 1)).toBeUndefined();
    expect(meaning("threads", 5000)).toBeUndefined();
  });
});

it("shows the first tab that one may see, and none by a name that is no tab", () => {
  const allowed = TABS.filter((tab) => tab.needs === "nobody");
  expect(tabOf(undefined, allowed)?.name).toBe("tokens");
  expect(tabOf("audit", allowed)?.name).toBe("audit");
  expect(tabOf("nothing", allowed)).toBeUndefined();
});

it("keeps the filter of the audit log in the address", () => {
  expect(partsOf({ actor: "", target: " plugin:text " })).toEqual({ target: "plugin:text" });
  const query = new URLSearchParams("row=7&target=plugin%3Atext");
  expect(filterOf(query)).toEqual({ target: "plugin:text" });
  expect(rowOf(query)).toBe(7);
  expect(rowOf(new URLSearchParams("row=-1"))).toBeUndefined();
});

it("names browsers as one knows them", () => {
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
  expect(browserOf(chrome)).toBe("Chrome on Linux");
  expect(browserOf("python-httpx/0.28")).toBe("python-httpx");
  expect(browserOf("")).toBe("unknown");
});
