const BYTES = 24;

/** A secret that nobody can guess, in the form that Standard Webhooks have and the other rules take too. */
export function madeUpSecret(rule: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  if (rule === "standard" || rule === "gitlab") return `whsec_${btoa(String.fromCharCode(...bytes))}`;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether the secret of a rule is ours to make up: others are given by the service. */
export function isOurs(rule: string): boolean {
  return !["discord", "stripe", "slack", "shopify", "linear", "pagerduty"].includes(rule);
}

/** Rules whose deliveries carry a time that is checked. */
export function hasWindow(rule: string): boolean {
  return ["discord", "standard", "stripe", "slack", "hmac", "gitlab"].includes(rule);
}
