import type * as en from "../en/settings-machine";
import type { Translation } from "../signature";

export const machine: Translation<typeof en.machine> = {
  about: "Dieser Host",
  version: "Version",
  started: "Gestartet",
  uptime: "Läuft seit",
  environment: "Umgebung",
  environments: {
    local: "Auf einem eigenen Rechner",
    container: "In einem Container",
    kubernetes: "In Kubernetes",
    edge: "Auf einem kleinen Gerät",
  },
  platform: "Plattform",
  python: "Python",
  storage: "Datenbank",
  data: "Datenordner",
  plugins: "Plugins",
  noPlugins: "keine",
  engines: "Laufzeiten",
  "advisoriesOf(day: string)": "Stand: {day}",
  "advisories(count: number)":
    "{count, plural, =0 {Kein bekannter Sicherheitshinweis} one {# Sicherheitshinweis} other {# Sicherheitshinweise}}",
  upgrade: "Aktualisieren Sie OmniCore oder das Paket der Laufzeit auf eine nicht betroffene Version.",
  affected: "Betroffen",
  severities: {
    low: "Niedrig",
    medium: "Mittel",
    high: "Hoch",
    critical: "Kritisch",
    unknown: "Nicht bewertet",
  },
};

export const backups: Translation<typeof en.backups> = {
  title: "Sicherungen",
  "lead(most: number)":
    "Jede Sicherung ist eine Datei mit allen Daten des Hosts. Bis zu {most, number} bleiben im Datenordner.",
  kept: "Hier aufbewahrt",
  make: "Sicherung anlegen",
  none: "Noch keine Sicherungen",
  noneNext: "Legen Sie jetzt eine an; der Host läuft dabei weiter.",
  name: "Name",
  size: "Größe",
  made: "Angelegt",
  making: "Wird angelegt",
  state: "Zustand",
  download: "Herunterladen",
  "downloadOf(name: string)": "{name} herunterladen",
  remove: "Löschen",
  restore: "Wiederherstellen",
  "removeTitle(name: string)": "{name} löschen?",
  removeText: "Die Datei wird endgültig gelöscht.",
  "restoreTitle(name: string)": "{name} wiederherstellen?",
  restoreText:
    "Die Daten werden beim nächsten Start des Hosts wiederhergestellt. Bis dahin können Sie abbrechen. Was nach der Sicherung geändert wurde, gilt dann nicht mehr: Benutzer, Plugins, Erinnerungen, Aufgaben und Einstellungen sind die der Sicherung. Der Host behält die jetzigen Daten daneben und sagt, wo.",
  "staged(name: string)": "{name} wird beim nächsten Start wiederhergestellt",
  "stagedBy(by: string)": "Verlangt von {by}. Starten Sie omnicore run neu, damit es geschieht.",
  cancel: "Wiederherstellung abbrechen",
  "restored(name: string)": "{name} wurde wiederhergestellt",
  "notRestored(name: string)": "{name} wurde nicht wiederhergestellt",
  failed: "Die letzte Sicherung wurde nicht angelegt",
};

export const diagnostics: Translation<typeof en.diagnostics> = {
  title: "Diagnose",
  lead: "Eine Datei für den Support. Sie wird jetzt angelegt und enthält keine Geheimnisse.",
  download: "Diagnose herunterladen",
  making: "Wird gesammelt",
  "saved(name: string)": "{name} liegt bei Ihren Downloads.",
  holds: "Was darin ist",
  files: [
    ["host.json", "Versionen, Plattform, Laufzeiten und ihre Sicherheitshinweise"],
    ["health.json", "Zustand jedes Teils, mit Gründen"],
    ["settings.json", "Einstellungen und ihre Herkunft; Geheimnisse nur als gesetzt oder nicht"],
    ["plugins.json", "Plugins, ihr Zustand und ihre Berechtigungen"],
    ["events.json", "Die neuesten Ereignisse"],
    ["logs.txt", "Die neuesten Log-Zeilen der Plugins"],
    ["metrics.txt", "Zähler und Zeiten"],
  ],
  not: "Nicht darin: Passwörter, Token, Schlüssel, die Geheimnisse von Konnektoren, Erinnerungen und das, womit Plugins aufgerufen wurden. Namen von Plugins, Ordnern und Hosts sind darin; sehen Sie hinein, bevor Sie die Datei weitergeben.",
};
