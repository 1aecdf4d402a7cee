import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { chosen } from "./language";

describe("the language", () => {
  it("is the chosen one, else the browser's first that the console has, else English", () => {
    expect(chosen("de", ["en-US"])).toBe("de");
    expect(chosen(null, ["fr-CH", "de-AT", "en"])).toBe("de");
    expect(chosen(null, ["fr", "es"])).toBe("en");
    expect(chosen(null, [])).toBe("en");
  });

  it("is no name that somebody wrote into the browser's storage", () => {
    for (const strange of ["xx", "", "constructor", "__proto__", "toString"])
      expect(chosen(strange, ["de"])).toBe("de");
  });

  it("is mirrored only when asked for by name", () => {
    expect(chosen("ar-XB", ["en"])).toBe("ar-XB");
    expect(chosen(null, ["ar-XB", "ar"])).toBe("en");
  });
});

describe("German", () => {
  beforeEach(() => {
    vi.resetModules();
    window.localStorage.setItem("omnicore-language", "de");
  });
  afterEach(() => {
    window.localStorage.removeItem("omnicore-language");
    vi.resetModules();
  });

  it("has its own texts, plurals, numbers and lists", async () => {
    const { loadTexts } = await import("@/shared/texts/load");
    await loadTexts("frame", "workflowsEditor");
    const { texts } = await import("@/shared/texts");
    const units = await import("@/shared/ui/units");
    expect(texts.common.save).toBe("Speichern");
    expect([1, 1234].map(texts.common.rows)).toEqual(["1 Zeile", "1.234 Zeilen"]);
    expect(texts.workflowsEditor.drafts.others(["ada", "bob"], 2)).toMatch(/^ada und bob haben/);
    expect([units.bytes(1536), units.span(7200)]).toEqual(["1,5 KiB", "2 Stunden"]);
  });

  it("loads what a page names and no more", async () => {
    const { loadTexts, textsOf } = await import("@/shared/texts/load");
    await loadTexts("frame", "home");
    expect(textsOf("home")).toBeDefined();
    expect(() => textsOf("plugins")).toThrow("router.tsx");
  });
});

it("marks the page for the browser, its readers and its direction", async () => {
  vi.resetModules();
  window.localStorage.setItem("omnicore-language", "ar-XB");
  const { markPage } = await import("./language");
  markPage();
  expect([document.documentElement.lang, document.documentElement.dir]).toEqual(["en", "rtl"]);
  window.localStorage.removeItem("omnicore-language");
});
