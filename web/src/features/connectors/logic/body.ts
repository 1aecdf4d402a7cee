import type { Schemas } from "@/shared/api/types";

const MOST = 200_000;

/** The body of a delivery as one reads it: JSON is indented, what is too long for a page is cut and says so. */
export function bodyText({ text, base64 }: Pick<Schemas["WebhookDeliveryBody"], "text" | "base64">): string {
  const whole = text === null ? (base64 ?? "") : indented(text);
  return whole.length > MOST ? `${whole.slice(0, MOST)}\n…` : whole;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
