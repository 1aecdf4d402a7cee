/** Where a connector is, or something of it: `connectorUrl("shop", "uses")`. */
export function connectorUrl(...parts: string[]): string {
  return ["api/v1/connectors", ...parts.map(encodeURIComponent)].join("/");
}

/** Where a webhook is, or something of it. */
export function webhookUrl(...parts: string[]): string {
  return ["api/v1/webhooks", ...parts.map(encodeURIComponent)].join("/");
}
