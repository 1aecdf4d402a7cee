// Publishes an event. Needs a grant for events with its topic.

import { inputJson, outputText, refuse } from "../sdk/omnicore";
import * as events from "../sdk/events";

/** {invoice, amount} -> the event's id; tells all who subscribed to invoice.paid. */
export function pay(): i32 {
  const published = events.publish("invoice.paid", inputJson());
  const error = published.error;
  return error === null ? outputText(published.value) : refuse(error);
}
