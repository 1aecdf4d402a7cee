const UNIT: Record<string, string> = {
  ms: "milliseconds",
  s: "seconds",
  sec: "seconds",
  second: "seconds",
  seconds: "seconds",
  m: "minutes",
  min: "minutes",
  minute: "minutes",
  minutes: "minutes",
  h: "hours",
  hour: "hours",
  hours: "hours",
  d: "days",
  day: "days",
  days: "days",
};
const ISO = /^P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;

/** A duration as the language has it, of what a person types; undefined where it is none. */
export function durationOf(text: string): unknown {
  const line = text.trim();
  if (line === "") return "";
  if (ISO.test(line) || line.startsWith("${")) return line;
  const parts = [...line.matchAll(/(\d+)\s*([a-z]+)/gi)];
  if (line.replaceAll(/(\d+)\s*([a-z]+)/gi, "").replaceAll(/[\s,]/g, "") !== "") return undefined;
  const found: Record<string, number> = {};
  for (const [, amount, unit = ""] of parts) {
    const name = UNIT[unit.toLowerCase()];
    if (!name) return undefined;
    found[name] = Number(amount);
  }
  return Object.keys(found).length > 0 ? found : undefined;
}
