import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";

/** Whether a schedule runs: on, paused, or over because no run is left. */
export function ScheduleState({ schedule }: { schedule: Schemas["Schedule"] }) {
  const { schedules } = texts.tasks;
  if (!schedule.enabled) return <StateTag state="paused" tone="warn" label={schedules.paused} />;
  if (schedule.next_at === null) return <StateTag state="over" tone="calm" label={schedules.over} />;
  return <StateTag state="on" tone="good" label={schedules.on} />;
}
