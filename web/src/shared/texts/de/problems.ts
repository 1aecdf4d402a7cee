import type { problems as en } from "../en/problems";
import type { Translation } from "../signature";

export const problems: Translation<typeof en> = {
  title: "Die Anfrage ist fehlgeschlagen",
  "failed(status: number)": "Der Host hat mit dem Status {status} geantwortet.",
  failedRemedy: "Versuchen Sie es erneut. Schlägt es wieder fehl, lesen Sie das Log des Hosts.",
  noAnswer: {
    fact: "Der Host antwortet nicht.",
    remedy: "Prüfen Sie, ob `omnicore run` läuft, und versuchen Sie es erneut.",
  },
  unknown: "Etwas Unerwartetes ist geschehen.",
  unknownRemedy: "Laden Sie die Seite neu.",
  sessionChanged: {
    fact: "In einem anderen Tab hat sich jemand an- oder abgemeldet.",
    remedy: "Prüfen Sie, als wer Sie jetzt angemeldet sind, und versuchen Sie es erneut.",
  },
  pageTitle: "Diese Seite ist fehlgeschlagen",
  pageRemedy:
    "Laden Sie sie neu. Schlägt sie wieder fehl, finden Sie Einzelheiten in der Konsole des Browsers.",
  reload: "Neu laden",
  notFoundTitle: "Seite nicht gefunden",
  notFoundRemedy: "Die Adresse ist vielleicht veraltet, oder das Gesuchte wurde entfernt.",
  toHome: "Zur Startseite",
  forbiddenTitle: "Ihre Rolle erlaubt das nicht",
  "forbiddenRemedy(role: string)": "Wenden Sie sich an einen Administrator; nötig ist die Rolle {role}.",
};
