import type { Tag } from "@/shared/api/tags";

/** Which cached answers an event makes old, by the first part of its topic. */
const CHANGED: Record<string, readonly Tag[]> = {
  plugin: ["Plugin", "Grant", "PluginStatus", "Version", "Upgrade", "Rollout", "Gallery"],
  task: ["Task", "Queue", "Schedule"], // a schedule moves on as it orders a task
  memory: ["Memory", "MemoryStats"],
  connector: ["Connector", "ConnectorUse"],
  webhook: ["Webhook", "Delivery"],
  health: ["Health"],
  error: ["Health"],
  loop: ["Lane"],
  intelligence: ["Intelligence"],
  evolution: ["Evolution"],
  workflow: ["Workflow", "Run", "Approval"],
  config: ["Setting", "Config"],
  system: ["Host"],
};

/** The tags to read again after an event; every event is also a line in the list of events. */
export function tagsOf(topic: string): readonly Tag[] {
  return ["Event", ...(CHANGED[topic.split(".", 1)[0] ?? ""] ?? [])];
}
