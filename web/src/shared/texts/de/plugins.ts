import type { plugins as en } from "../en/plugins";
import type { Translation } from "../signature";
import { pluginCalls } from "./plugins-calls";
import { pluginCare } from "./plugins-care";
import { pluginGallery } from "./plugins-gallery";
import { pluginRights } from "./plugins-rights";
import { pluginRollout } from "./plugins-rollout";

const list: Translation<typeof en.list> = {
  title: "Plugins",
  lead: "Was auf diesem Host läuft und was auf Sie wartet.",
  upload: "Hochladen",
  search: "Plugins durchsuchen",
  searchHint: "Name, Datei oder Grund",
  stateFilter: "Zustand",
  states: {
    "": "Alle",
    enabled: "Aktiv",
    "needs-grant": "Braucht eine Berechtigung",
    "needs-review": "Braucht eine Prüfung",
    disabled: "Abgeschaltet",
    quarantined: "In Quarantäne",
    rejected: "Abgewiesen",
  },
  columns: {
    name: "Name",
    state: "Zustand",
    version: "Version",
    trust: "Vertrauen",
    functions: "Funktionen",
    lastError: "Letzter Fehler",
    file: "Datei",
    reason: "Warum sie nicht nutzbar ist",
    error: "Was er sagt",
  },
  trust: { sandboxed: "In der Sandbox", native: "Nativ" },
  trustHint: {
    sandboxed: "Es läuft in einer Sandbox und erreicht nur, wofür es eine Berechtigung hat.",
    native: "Es ist Python-Code im Prozess des Hosts selbst. Nichts hält ihn zurück.",
  },
  noErrors: "Keine",
  empty: "Noch kein Plugin",
  emptyNext: "Ziehen Sie eine .wasm-Datei auf diese Seite, oder legen Sie sie in den Plugin-Ordner.",
  emptyReader: "Bitten Sie einen Administrator, eines hochzuladen.",
  nothingFound: "Keine passenden Plugins",
  nothingFoundNext: "Ändern Sie die Suche, oder sehen Sie alle an.",
  showAll: "Alle Plugins zeigen",
  noneRejected: "Keine Datei wurde abgewiesen",
  noneRejectedNext: "Eine Datei im Plugin-Ordner, die nicht nutzbar ist, steht hier mit dem Grund.",
};

const upload: Translation<typeof en.upload> = {
  title: "Plugins hochladen",
  drop: "Dateien ablegen, um sie hochzuladen",
  area: "Legen Sie .wasm-Dateien hier ab, oder wählen Sie sie",
  areaHint:
    "Eine NAME.toml neben ihrer NAME.wasm ist ihr Manifest. Der Host untersucht eine Datei, bevor er etwas von ihr ausführt.",
  choose: "Dateien wählen",
  files: "Dateien",
  waiting: "Wartet",
  sending: "Wird hochgeladen",
  inspecting: "Der Host untersucht sie",
  "taken(name: string)": "{name} ist aufgenommen.",
  "withManifest(name: string)": "mit {name}",
  lone: {
    "fact(name: string)": "Zu {name} gehört kein Modul",
    remedy: "wählen Sie die .wasm-Datei zusammen mit ihr",
  },
  foreign: {
    "fact(name: string)": "{name} gehört zu keinem Plugin",
    remedy: "wählen Sie .wasm- oder .wat-Dateien und ihre .toml",
  },
  tooMany: {
    fact: "Das sind zu viele Dateien auf einmal",
    "remedy(most: number)": "wählen Sie höchstens {most, plural, one {# Datei} other {# Dateien}}",
  },
  review: "Prüfen, was es verlangt",
  reviewUpgrade: "Upgrade prüfen",
  open: "Öffnen",
  "progress(name: string)": "Wie viel von {name} hochgeladen ist",
};

const detail: Translation<typeof en.detail> = {
  tabs: {
    overview: "Übersicht",
    functions: "Funktionen",
    permissions: "Berechtigungen",
    upgrade: "Upgrade",
    config: "Konfiguration",
    logs: "Logs",
    versions: "Versionen",
    rollout: "Rollout",
  },
  all: "Alle Plugins",
  "version(version: string)": "Version {version}",
  "by(author: string)": "von {author}",
  waits: "Etwas wartet auf Sie",
};

const overview: Translation<typeof en.overview> = {
  about: "Über das Plugin",
  noDescription: "Keine Beschreibung.",
  author: "Autor",
  version: "Version",
  hash: "Hash",
  serving: "Beantwortet Aufrufe",
  servingNone: "Keine",
  servingSame: "Diese Version",
  file: "Datei",
  trust: "Vertrauen",
  functions: "Funktionen",
  lastError: "Letzter Fehler",
  states: {
    enabled: { title: "Es beantwortet Aufrufe.", next: "" },
    "needs-grant": {
      title: "Es wartet auf Ihre Freigabe.",
      next: "Prüfen Sie, was es verlangt, und erteilen oder verweigern Sie es.",
    },
    "needs-review": {
      title: "Neuer Code wartet auf Ihre Freigabe.",
      next: "Prüfen Sie die Änderungen, und geben Sie sie frei oder behalten Sie die vorige Version.",
    },
    disabled: {
      title: "Es ist abgeschaltet.",
      next: "Schalten Sie es ein, dann beantwortet es wieder Aufrufe.",
    },
    quarantined: {
      title: "Es ist zu oft fehlgeschlagen und in Quarantäne.",
      next: "Es wird von selbst erneut versucht. Lesen Sie sein Log, oder schalten Sie es ein, um es gleich zu versuchen.",
    },
    rejected: {
      title: "Seine Datei ist nicht nutzbar.",
      next: "Korrigieren Sie die Datei und laden Sie sie erneut hoch, oder entfernen Sie sie.",
    },
  },
  review: "Prüfen, was es verlangt",
  reviewUpgrade: "Upgrade prüfen",
  toLogs: "Sein Log lesen",
  enable: "Einschalten",
  tryAgain: "Erneut versuchen",
  disable: "Abschalten",
  "disableTitle(name: string)": "{name} abschalten?",
  disableText:
    "Aufrufe werden abgewiesen, bis es wieder eingeschaltet ist. Seine gespeicherten Daten bleiben.",
  remove: "Entfernen",
  "removeTitle(name: string)": "{name} entfernen?",
  removeText:
    "Seine Datei, sein Manifest, seine Berechtigungen und alles, was es gespeichert hat, werden gelöscht. Das lässt sich nicht rückgängig machen.",
  status: "Zustand",
  breaker: "Schutzschalter",
  breakerStates: { closed: "Geschlossen", open: "Offen", "half-open": "Probiert" },
  breakerHint: {
    "closed(failures: number, threshold: number)":
      "{failures, plural, =0 {Aufrufe kommen durch. Nach {threshold, number} Fehlschlägen in Folge pausiert es.} other {Aufrufe kommen durch. # von {threshold, number} Fehlschlägen in Folge.}}",
    open: "Aufrufe werden vorerst abgewiesen.",
    "half-open": "Der nächste Aufruf entscheidet.",
  },
  openUntil: "Offen bis",
  calls: "Aufrufe seit dem Start",
  errors: "Fehlgeschlagen",
  p95: "95. Perzentil",
  inFlight: "Läuft gerade",
  warm: "Warme Sandboxes",
  "warmOf(count: string, size: string)": "{count} mit {size}",
  limits: "Geltende Grenzen",
  callLimit: {
    title: "Aufrufe auf allen Hosts",
    none: "Nicht begrenzt. omnicore plugins limit legt fest, wie viele gleichzeitig laufen und in einer Sekunde beginnen.",
    atOnce: "Gleichzeitig höchstens",
    "held(most: string, held: string)": "{most}, jetzt {held} belegt",
    perSecond: "In einer Sekunde höchstens",
    set: "Festgelegt",
    "by(who: string)": "von {who}",
  },
  limitOrigins: { manifest: "Manifest", settings: "Vorgabe", most: "Höchstwert" },
  limitHead: { name: "Grenze", value: "Wert", origin: "Festgelegt durch" },
  noLimit: "unbegrenzt",
  limitNames: {
    timeout_s: "Zeit eines Aufrufs",
    fuel: "Instruktionen eines Aufrufs",
    memory_bytes: "Speicher",
    table_elements: "Tabellenelemente",
    input_bytes: "Eingabe",
    output_bytes: "Ausgabe",
    log_bytes: "Log eines Aufrufs",
    log_lines: "Log-Zeilen eines Aufrufs",
    var_bytes: "Variablen",
    host_calls: "Aufrufe des Hosts je Aufruf",
    http_requests: "HTTP-Anfragen eines Aufrufs",
    http_request_bytes: "Eine HTTP-Anfrage",
    http_response_bytes: "Eine HTTP-Antwort",
    module_bytes: "Die Datei des Moduls",
    component_bytes: "Die Datei einer Komponente",
    compile_s: "Zeit zum Übersetzen",
    compile_bytes: "Speicher zum Übersetzen",
  },
};

const figures: Translation<typeof en.figures> = {
  title: "Wohin die Zeit geht",
  ofHost: "des Hosts",
  columns: {
    name: "Was",
    calls: "Aufrufe",
    errors: "Fehlgeschlagen",
    p50_ms: "p50",
    p95_ms: "p95",
    p99_ms: "p99",
    total_s: "Insgesamt",
  },
};

const kept: Translation<typeof en.kept> = {
  title: "Aufrufe",
  columns: {
    function: "Funktion",
    at: "Wann",
    outcome: "Ergebnis",
    took: "Dauer",
    memory: "Speicher",
    host_calls: "Anfragen an den Host",
    by: "Von",
  },
  state: "Zustand",
  anyState: "Alle Zustände",
  states: { ok: "Gelungen", failed: "Fehlgeschlagen", slow: "Langsam" },
  search: "Wörter in Fehler, Aufrufer oder Eingabe",
  noneFound: "Kein solcher Aufruf ist aufbewahrt.",
  error: "Fehler",
  version: "Version",
  fuel: "Fuel",
  run: "Lauf",
  trace: "Trace",
  input: "Eingabe",
  "noInput(size: string)": "{size}, nicht aufbewahrt",
  asked: "Der Aufruf und seine Anfragen an den Host",
};

export const plugins: Translation<typeof en> = {
  list,
  upload,
  detail,
  overview,
  figures,
  kept,
  calls: pluginCalls,
  gallery: pluginGallery,
  rights: pluginRights,
  care: pluginCare,
  rollout: pluginRollout,
};
