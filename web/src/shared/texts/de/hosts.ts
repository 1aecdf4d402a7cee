import type { hosts as en } from "../en/hosts";
import type { Translation } from "../signature";

export const hosts: Translation<typeof en> = {
  title: "Hosts",
  lead: "Hosts, die sich diese Datenbank teilen. Jeder zeigt und steuert alle.",
  table: "Hosts",
  columns: {
    name: "Name",
    state: "Zustand",
    version: "Version",
    labels: "Labels",
    load: "Last",
    seen: "Zuletzt gesehen",
  },
  states: {
    ready: "Bereit",
    cordoned: "Gesperrt",
    draining: "Leert sich",
    drained: "Geleert",
    away: "Nicht da",
  },
  "load(calls: number, tasks: number, runs: number)":
    "{calls, plural, one {# Aufruf} other {# Aufrufe}}, {tasks, plural, one {# Aufgabe} other {# Aufgaben}}, {runs, plural, one {# Lauf} other {# Läufe}}",
  host: "Host",
  none: "Kein Host mit diesem Namen",
  noneNext: "Er hat die Flotte verlassen. Schließen Sie diesen Bereich, um die vorhandenen zu sehen.",
  id: "Id",
  address: "Adresse",
  noAddress: "Keine: setzen Sie fleet.address auf diesem Host",
  started: "Gestartet",
  processor: "Benutzte Prozessorkerne",
  memory: "Arbeitsspeicher",
  cordon: "Sperren",
  drain: "Leeren",
  uncordon: "Wieder arbeiten lassen",
  remove: "Ausschließen",
  "removeTitle(name: string)": "{name} ausschließen?",
  removeText:
    "Innerhalb einer Sekunde weist er jede Anfrage ab und gibt seine Aufgaben und Läufe zurück. Sein Schlüssel lässt ihn nie wieder ein.",
  cordonHint:
    "Ein gesperrter Host nimmt keine neuen Aufgaben und Läufe an. Ein geleerter weist auch Aufrufe ab; beide laufen weiter.",
  plugins: "Plugins",
  noPlugins: "Kein Plugin beantwortet Aufrufe.",
  plugin: "Plugin",
  version: "Version",
  onFirstCall: "Wird beim ersten Aufruf geladen",
  "elsewhere(labels: string)": "Läuft auf Hosts mit {labels}",
  logs: "Log des Hosts",
  noLogs: "Noch keine Zeilen.",
};
