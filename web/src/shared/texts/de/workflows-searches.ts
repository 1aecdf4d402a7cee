import type { workflowSearches as en } from "../en/workflows-searches";
import type { Translation } from "../signature";

export const workflowSearches: Translation<typeof en> = {
  table: "Suchen nach besseren Workflows",
  none: "Noch keine Suche",
  noneNext:
    "omnicore evolve run FILE beginnt eine: ein Workflow, was sich darin ändern darf, und Fälle mit den erwarteten Antworten.",
  "title(workflow: string)": "Suche nach einem besseren {workflow}",
  lead: "Kandidaten laufen auf Fällen. Nur was auf Fällen besser ist, die die Suche nie gesehen hat, wird vorgeschlagen.",
  about: "Die Suche",
  columns: {
    state: "Zustand",
    workflow: "Workflow",
    candidates: "Kandidaten",
    gain: "Gewinn",
    began: "Begonnen",
    number: "Nr.",
    parent: "Entstanden aus",
  },
  states: {
    running: "Läuft",
    done: "Hat einen Vorschlag",
    nothing: "Nichts Besseres",
    stopped: "Gestoppt",
    promoted: "Übernommen",
  },
  "of(made: string, wanted: string)": "{made} von {wanted}",
  "points(points: string)": "{points} Punkte",
  least: "Der Gewinn liegt über",
  best: "Vorgeschlagen",
  scores: "Bewertungen",
  "chart(candidates: number, best: string)":
    "Bewertungen von {candidates, plural, one {# Kandidat} other {# Kandidaten}}. Der bisher beste: {best}.",
  chartHint: "Ein Punkt je Kandidat, von 0 bis 100 % der Fälle. Die Linie ist der jeweils beste.",
  candidates: "Kandidaten",
  "candidate(number: number)": "Kandidat {number}",
  candidateStates: { judged: "Bewertet", dropped: "Verworfen", dead: "Abgewiesen" },
  noCandidate: "Noch kein Kandidat",
  noCandidateNext: "Der erste ist der Workflow, wie er ist.",
  facts: {
    proposer: "Gemacht durch",
    quality: "Richtige Fälle",
    held: "Der zurückgehaltenen Fälle",
    seconds: "Benötigte Zeit",
    reason: "Grund",
  },
  lineage: "Abstammung",
  "ancestor(number: number, quality: string)": "{number} ({quality})",
  asItWas: "Der Workflow, wie er war",
  proposers: {
    seed: "der Workflow, wie er war",
    examples: "aus den Fällen zusammengestellt",
    values: "andere Werte",
    jq: "ein anderes Programm",
    graph: "ein anderer Graph",
    simplify: "etwas weggelassen",
  },
  orders: { stop: "Stoppen", promote: "Übernehmen", rollback: "Zurücknehmen" },
  orderTitles: {
    "stop(workflow: string)": "Die Suche nach einem besseren {workflow} stoppen?",
    "promote(workflow: string)": "Den Vorschlag zur nächsten Version von {workflow} machen?",
    "rollback(workflow: string)": "{workflow} wieder machen, wie er war?",
  },
  orderTexts: {
    stop: "Ihre Kandidaten lassen sich weiter ansehen. Keiner davon wird vorgeschlagen.",
    promote:
      "Neue Läufe nutzen ihn sofort. Begonnene Läufe bleiben bei ihrer Version. Sie können es zurücknehmen.",
    rollback: "Die Version vor der Übernahme wird zur nächsten Version.",
  },
};
