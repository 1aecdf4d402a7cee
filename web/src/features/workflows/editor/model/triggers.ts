import { isObject, memberOf, valueAt } from "./path";
import { durationText, shown } from "./about";

const KINDS = ["cron", "every", "webhook", "connector", "event"] as const;
export type TriggerKind = (typeof KINDS)[number] | "other";

export function triggersOf(document: unknown): unknown[] {
  const found = valueAt(document, ["host", "triggers"]);
  return Array.isArray(found) ? found : [];
}

export function triggerKind(trigger: unknown): TriggerKind {
  return KINDS.find((kind) => memberOf(trigger, kind) !== undefined) ?? "other";
}

/** A trigger in a few words: `0 9 * * 1-5 Europe/Berlin`, `webhook orders`. */
export function triggerText(trigger: unknown): string {
  const kind = triggerKind(trigger);
  if (!isObject(trigger) || kind === "other") return shown(trigger);
  if (kind === "cron") return [trigger["cron"], trigger["timezone"]].filter(Boolean).map(shown).join(" ");
  if (kind === "every") return `every ${durationText(trigger["every"])}`;
  if (kind === "connector")
    return [trigger["connector"], trigger["event"]].filter(Boolean).map(shown).join(" ");
  return `${kind} ${shown(valueAt(trigger, ["event", "with", "type"]) ?? trigger[kind])}`;
}

/** What begins the workflow, of `schedule` and `host.triggers`. */
export function triggerTexts(document: unknown): string[] {
  const schedule = memberOf(document, "schedule");
  const own = isObject(schedule)
    ? Object.entries(schedule).map(([name, value]) => `${name} ${durationText(value) || shown(value)}`)
    : [];
  return [...own, ...triggersOf(document).map(triggerText)];
}

/** A new trigger of a kind. */
export function newTrigger(kind: string): Record<string, unknown> {
  switch (kind) {
    case "cron":
      return { cron: "0 9 * * 1-5", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone };
    case "every":
      return { every: { minutes: 10 } };
    case "webhook":
      return { webhook: "my-webhook" };
    case "connector":
      return { connector: "", event: "" };
    default:
      return { event: { with: { type: "example.happened" } } };
  }
}
