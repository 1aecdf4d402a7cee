import { texts } from "@/shared/texts";

const words = texts.connectors.limits;
const field = (type: "number" | "integer", name: keyof typeof words.names) => ({
  type,
  title: words.names[name],
});

/** The form of a connector's own limits; what is left empty is as the host's settings say. */
export const LIMITS = {
  type: "object",
  title: texts.connectors.detail.limits,
  description: words.hint,
  properties: {
    timeout_s: field("number", "timeout_s"),
    retries: field("integer", "retries"),
    concurrency: field("integer", "concurrency"),
    waiting: field("integer", "waiting"),
    rate: field("number", "rate"),
    plugin_rate: field("number", "plugin_rate"),
    output_bytes: field("integer", "output_bytes"),
    breaker_failures: field("integer", "breaker_failures"),
    breaker_reset_s: field("number", "breaker_reset_s"),
  },
};
