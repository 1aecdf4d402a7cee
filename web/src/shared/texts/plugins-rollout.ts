/** Rollouts of new versions. */
export const pluginRollout = {
  title: "Rollout",
  list: "Rollouts under way",
  states: {
    running: "Running",
    paused: "Paused",
    done: "Done",
    "rolled-back": "Rolled back",
    stopped: "Stopped",
  },
  steps: "Steps",
  step: (percent: number) => `${percent.toString()} %`,
  from: "From",
  to: "To",
  share: "Share now",
  shareOf: (percent: number, step: number, steps: number) =>
    step > 0
      ? `${percent.toString()} % of the calls, step ${step.toString()} of ${steps.toString()}`
      : `${percent.toString()} % of the calls`,
  next: "Next step",
  soonest: "at the soonest",
  begun: "Begun",
  by: (who: string) => `by ${who}`,
  ended: "Ended",
  reason: "Reason",
  waits: "Waits for",
  every: "A step lasts at least",

  versions: "Calls in this step",
  versionColumns: { version: "Version", share: "Share", calls: "Calls", errors: "Failed", p95: "p95" },
  versionsHint: "Of all hosts, without calls that their callers spoiled.",

  guards: "Guards",
  guardColumns: {
    guard: "Guard",
    state: "State",
    measured: "New version",
    before: "Version before",
    most: "Must stay below",
  },
  guardStates: { holds: "Holds", waits: "Waits for calls", failed: "Failed" },
  noGuards: "No guards were given. The shares rise by time alone.",

  pause: "Pause",
  resume: "Resume",
  promote: "Promote to 100 %",
  promoteTitle: (version: string) => `Give ${version} all calls?`,
  promoteText: "It answers every call from now on, at all hosts. Guards judge it no longer.",
  stop: "Stop and roll back",
  stopTitle: (version: string) => `Stop the rollout of ${version}?`,
  stopText: "The version that served before answers all calls again, at all hosts.",

  none: "No rollout",
  noneNext: "omnicore plugins rollout gives a version the calls of a plugin step by step. It is shown here.",
  under: (version: string, percent: number) => `${percent.toString()} % to ${version}`,
};
