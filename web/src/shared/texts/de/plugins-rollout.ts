import type { pluginRollout as en } from "../en/plugins-rollout";
import type { Translation } from "../signature";

export const pluginRollout: Translation<typeof en> = {
  title: "Rollout",
  list: "Laufende Rollouts",
  states: {
    running: "Läuft",
    paused: "Angehalten",
    done: "Fertig",
    "rolled-back": "Zurückgenommen",
    stopped: "Gestoppt",
  },
  steps: "Schritte",
  "step(percent: number)": "{percent, number} %",
  from: "Von",
  to: "Auf",
  share: "Anteil jetzt",
  "shareOf(percent: number, step: number, steps: number)":
    "{step, plural, =0 {{percent, number} % der Aufrufe} other {{percent, number} % der Aufrufe, Schritt # von {steps, number}}}",
  next: "Nächster Schritt",
  soonest: "frühestens",
  begun: "Begonnen",
  "by(who: string)": "von {who}",
  ended: "Beendet",
  reason: "Grund",
  waits: "Wartet auf",
  every: "Ein Schritt dauert mindestens",

  versions: "Aufrufe in diesem Schritt",
  versionColumns: {
    version: "Version",
    share: "Anteil",
    calls: "Aufrufe",
    errors: "Fehlgeschlagen",
    p95: "p95",
  },
  versionsHint: "Von allen Hosts, ohne Aufrufe, die an ihren Aufrufern scheiterten.",

  guards: "Wächter",
  guardColumns: {
    guard: "Wächter",
    state: "Zustand",
    measured: "Neue Version",
    before: "Version davor",
    most: "Muss darunter bleiben",
  },
  guardStates: { holds: "Hält", waits: "Wartet auf Aufrufe", failed: "Gerissen" },
  noGuards: "Es wurden keine Wächter angegeben. Die Anteile steigen allein mit der Zeit.",

  pause: "Anhalten",
  resume: "Fortsetzen",
  promote: "Auf 100 % setzen",
  "promoteTitle(version: string)": "{version} alle Aufrufe geben?",
  promoteText: "Sie beantwortet ab jetzt jeden Aufruf, auf allen Hosts. Wächter beurteilen sie nicht mehr.",
  stop: "Stoppen und zurücknehmen",
  "stopTitle(version: string)": "Den Rollout von {version} stoppen?",
  stopText: "Die Version davor beantwortet wieder alle Aufrufe, auf allen Hosts.",

  none: "Kein Rollout",
  noneNext:
    "omnicore plugins rollout gibt einer Version Schritt für Schritt die Aufrufe eines Plugins. Er wird hier gezeigt.",
  "under(version: string, percent: number)": "{percent, number} % an {version}",
};
