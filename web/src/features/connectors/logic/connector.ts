import type { Schemas } from "@/shared/api/types";
import type { Problem } from "@/shared/api/problem";
import type { Tone } from "@/shared/ui/state-tag";

/** What happened since the host began. */
export interface Figures {
  breaker: string;
  calls: number;
  attempts: number;
  running: number;
  took_s: number;
  failures: Record<string, number>;
  last_error: string;
  last_error_at: number | null;
}

/** The figures of a connector; undefined for one that was not used since the host began. */
export function figuresOf(connector: Schemas["Connector"]): Figures | undefined {
  return (connector.state as Figures | null | undefined) ?? undefined;
}

/** The state as a word of the catalogue, and its tone. */
export function stateOf(connector: Schemas["Connector"]): { state: string; tone: Tone } {
  const figures = figuresOf(connector);
  if (!figures) return { state: "unused", tone: "calm" };
  const tone = figures.breaker === "closed" ? "good" : figures.breaker === "open" ? "bad" : "warn";
  return { state: figures.breaker, tone };
}

/** How many calls failed, of all kinds of failures. */
export function failuresOf(figures: Figures): number {
  return Object.values(figures.failures).reduce((sum, count) => sum + count, 0);
}

/** What a test found wrong, as a problem that can be shown. */
export function problemOfTest(test: Schemas["ConnectorTest"]): Problem | undefined {
  const error = test.error as { code?: string; message?: string; remedy?: string } | null | undefined;
  if (!error) return undefined;
  const { code = "failed", message = "", remedy = "" } = error;
  return { status: 0, code, fact: message, remedy, details: {} };
}
