// Remembers what somebody said and finds it again by its meaning.
import { memory } from "omnicore";

export const remember = (text) => memory.store(text, { tier: "episodic", metadata: { source: "chat" } });

export const recall = (text) => memory.recall({ text, limit: 3 }).map((item) => item.text);
