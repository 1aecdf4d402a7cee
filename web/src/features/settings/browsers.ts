import { texts } from "@/shared/texts";

const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\//, "Firefox"],
  [/\bChrom(?:e|ium)\/|\bHeadlessChrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/^([\w-]{2,30})\//, ""],
];
const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone|\biPad/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** A browser as one knows it, from what it calls itself. Anybody can call themselves anything. */
export function browserOf(agent: string): string {
  const [pattern, known] = BROWSERS.find(([one]) => one.test(agent)) ?? [];
  const browser = known === "" ? (pattern?.exec(agent)?.[1] ?? "") : (known ?? "");
  const system = SYSTEMS.find(([one]) => one.test(agent))?.[1];
  if (!browser) return texts.settings.sessions.unknownAgent;
  return system ? texts.settings.sessions.on(browser, system) : browser;
}
