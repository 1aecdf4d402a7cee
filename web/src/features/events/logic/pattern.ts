const PATTERN = /^(?:\*\*|(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.\*\*)?)$/;
const MOST = 256;

export const ALL = "**";

/** Whether the host takes it: names or `*` between dots, and `**` as the last one. */
export function isPattern(text: string): boolean {
  return text.length <= MOST && PATTERN.test(text);
}

/** Whether a pattern covers a topic: `*` is one name, a last `**` at least one. */
export function covers(pattern: string, topic: string): boolean {
  const wanted = pattern.split(".");
  const parts = topic.split(".");
  const rest = wanted.at(-1) === ALL;
  if (rest) wanted.pop();
  if (rest ? parts.length <= wanted.length : parts.length !== wanted.length) return false;
  return wanted.every((one, place) => one === "*" || one === parts[place]);
}

const ROUTINE = "loop.cycle.";

/** Whether an event comes every few seconds and tells nothing new. */
export function isRoutine(topic: string): boolean {
  return topic.startsWith(ROUTINE);
}
