import { describe, expect, it } from "vitest";

import { readCost } from "./answer";
import { binaryOf, bytesOf, hexDump, readHex, textOf } from "./binary";
import { curlLine, curlOf } from "./curl";
import { preview, withCall } from "./history";
import { modesOf, written } from "./input";
import { pairFiles } from "./pair-files";
import { cannot, leftOver, permissionsOf, scopeValue } from "./permissions";
import { readJson } from "./read-json";
import { hasPage, pluginPath, reviewTab, type Plugin } from "./review";
import { safeSchema } from "./safe-schema";
import { schemaRows } from "./schema-rows";

const file = (name: string) => new File(["x"], name);

describe("files that are uploaded", () => {
  it("puts a manifest to the module of its name", () => {
    const { pairs, lone, foreign } = pairFiles(["a.wasm", "b.wat", "B.toml", "c.toml", "d.png"].map(file));
    expect(pairs.map((pair) => [pair.file.name, pair.manifest?.name])).toEqual([
      ["a.wasm", undefined],
      ["b.wat", "B.toml"],
    ]);
    expect([lone[0]?.name, foreign[0]?.name]).toEqual(["c.toml", "d.png"]);
  });

  it("takes one module and one manifest as belonging together", () => {
    expect(pairFiles([file("plugin.toml"), file("a.wasm")]).pairs[0]?.manifest?.name).toBe("plugin.toml");
  });
});

describe("bytes", () => {
  it("come back as they were", () => {
    const all = Uint8Array.from({ length: 20_000 }, (_, at) => at % 256);
    expect(bytesOf(binaryOf(all))).toEqual(all);
  });

  it("are a text only when they are one", () => {
    expect(textOf(binaryOf(new TextEncoder().encode("grüße\n")))).toBe("grüße\n");
    expect(textOf("\xff\xfe")).toBeUndefined();
    expect(textOf("a\0b")).toBeUndefined();
  });

  it("are written and read in hexadecimal", () => {
    expect(hexDump("Hi\0", 16)).toBe(`00000000  48 69 00${" ".repeat(41)}Hi.`);
    expect(readHex("0x48 69")).toEqual(Uint8Array.of(0x48, 0x69));
    expect(readHex("4")).toBeUndefined();
    expect(readHex("zz")).toBeUndefined();
  });
});

describe("the line for a shell", () => {
  const target = { origin: "http://h", path: "p", media: "text/plain", needsToken: false };

  it("quotes what a shell would take as its own", () => {
    expect(curlLine(target, "it's $(rm)")).toContain(`--data-raw 'it'\\''s $(rm)'`);
  });

  it("names a file instead of bytes and of what is long", async () => {
    const body = new Blob(["x".repeat(5000)]);
    expect(await curlOf(target, { mode: "text", body, value: "", text: "x" })).toContain("'@input'");
    const image = { mode: "file", body, value: undefined, text: undefined, fileName: "a b.png" } as const;
    expect(await curlOf({ ...target, needsToken: true }, image)).toMatch(/OMNICORE_TOKEN"[^]*'@a b\.png'/);
  });
});

describe("inputs", () => {
  const view = { description: "", output: null, output_media: "text/plain" };

  it("come by a form where a schema says more than that it is a text", () => {
    const text = { ...view, input: { type: "string" }, input_media: "text/plain" };
    expect(modesOf(text)).toEqual(["text", "file"]);
    expect(modesOf({ ...text, input: { enum: ["a"] } })[0]).toBe("form");
    expect(modesOf({ ...view, input: {}, input_media: "application/json" })).toEqual(["form", "json"]);
    expect(modesOf({ ...view, input: null, input_media: "application/octet-stream" })).toEqual([
      ...["text", "hex", "file"],
    ]);
  });

  it("are sent as the media type wants them, also when nothing was filled in", () => {
    const json = { ...view, input: { type: "object" }, input_media: "application/json" };
    expect(written(undefined, json)).toBe("{}");
    expect(written("a", json)).toBe('"a"');
    expect(written("a", { ...json, input_media: "text/plain" })).toBe("a");
  });

  it("leave the last calls, no more than can be looked through", () => {
    const call = { at: 1, function: "f", isOk: true, timeMs: 1, input: undefined, preview: "" };
    let past = withCall([], call);
    for (let more = 0; more < 40; more++) past = withCall(past, call);
    expect(past).toHaveLength(20);
    expect(new Set(past.map((one) => one.id)).size).toBe(20);
    expect(preview(`a\n  b${"c".repeat(500)}`)).toMatch(/^a bc+…$/);
  });
});

describe("answers", () => {
  it("are drawn as JSON only when that is bounded", () => {
    expect(readJson('{"a": "[[["}')).toEqual({ value: { a: "[[[" } });
    expect(readJson("[".repeat(5000) + "]".repeat(5000))).toBeUndefined();
    expect(readJson("no")).toBeUndefined();
  });

  it("tell what they cost when the host says it", () => {
    const cost = { time_ms: 1, fuel: null, memory_bytes: 5, host_calls: { "kv.get": 2 } };
    expect(readCost(new Headers({ "omnicore-cost": JSON.stringify(cost) }))).toEqual(cost);
    expect(readCost(new Headers({ "omnicore-cost": "{" }))).toBeNull();
    expect(readCost(undefined)).toBeNull();
  });
});

describe("permissions", () => {
  const grant = { capability: "kv", scope: {}, granted_by: "ada", granted_at: 1 };
  const asked = ["kv", "http", "log"].map((name) => ({ name, scope: {}, reason: "", warnings: [] }));

  it("say what was granted, what less, and what is open to all", () => {
    const granted = [grant, { ...grant, capability: "events" }];
    const found = permissionsOf({ asked, granted }, new Set(["kv"]));
    expect(found.map((one) => one.standing)).toEqual(["narrower", "not-granted", "always"]);
    expect(leftOver({ asked, granted }).map((one) => one.capability)).toEqual(["events"]);
    expect(cannot(found)).toContain("Reach the network");
    expect(cannot(found)).not.toContain("Keep anything between calls");
  });

  it("have scopes that can be read", () => {
    expect(scopeValue("max_bytes", 65536)).toBe("64 KiB");
    expect(scopeValue("hosts", ["a", "b"])).toBe("a and b");
    expect(scopeValue("hosts", ["*"])).toBe("any");
    expect(scopeValue("private", false)).toBe("No");
  });
});

describe("where a plugin is", () => {
  const plugin = { state: "needs-grant", trust: "sandboxed", hash: "b", serving: "a" } as Plugin;

  it("is the upgrade while another version serves, else its permissions", () => {
    expect(reviewTab(plugin)).toBe("upgrade");
    expect(reviewTab({ ...plugin, serving: null })).toBe("permissions");
    expect(reviewTab({ ...plugin, serving: "b", state: "needs-review" })).toBe("upgrade");
    expect(reviewTab({ ...plugin, state: "enabled" })).toBeUndefined();
  });

  it("takes names of rejected files as they are", () => {
    expect(pluginPath("<b>?#.wat")).toBe("/plugins/%3Cb%3E%3F%23.wat");
    expect(hasPage("a/b.wat")).toBe(false);
  });
});

describe("schemas of plugins", () => {
  it("reach forms without what could keep them busy", () => {
    const schema = { pattern: "(a+)+", properties: { pattern: { type: "string", pattern: "x" } } };
    expect(safeSchema(Object.freeze(schema))).toEqual({ properties: { pattern: { type: "string" } } });
  });

  it("are read in lines", () => {
    const by = { type: "integer", minimum: 1, default: 3 };
    expect(schemaRows({ required: ["by"], properties: { by } })).toEqual([
      { name: "by", type: "integer from 1, else 3", isRequired: true, about: "" },
    ]);
  });
});
