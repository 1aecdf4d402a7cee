import type { session as en } from "../en/session";
import type { Translation } from "../signature";

export const session: Translation<typeof en> = {
  loginTitle: "Anmelden",
  loginLead: "Willkommen zurück.",
  ended:
    "Ihre Sitzung ist beendet. Melden Sie sich an, um dort weiterzumachen, wo Sie waren; Entwürfe von Workflows bleiben erhalten.",
  name: "Name",
  password: "Passwort",
  login: "Anmelden",
  "loginBy(name: string)": "Mit {name} anmelden",
  providerFailed: "Die Anmeldung über den anderen Dienst ist fehlgeschlagen.",
  providerRemedies: {
    "wrong-credentials":
      "Prüfen Sie, ob Ihr Konto diesen Host nutzen darf, oder wenden Sie sich an einen Administrator.",
    conflict: "Ein anderer Benutzer dieses Hosts hat Ihren Namen. Wenden Sie sich an einen Administrator.",
  },
  providerRemedy:
    "Versuchen Sie es erneut. Schlägt es wieder fehl, bitten Sie einen Administrator, das Log des Hosts zu lesen.",
  setupTitle: "OmniCore einrichten",
  setupLead: "Legen Sie den ersten Administrator an. Danach müssen sich alle anmelden.",
  setupKey: "Einrichtungsschlüssel",
  setupKeyHint: "Er steht in dem Link, den `omnicore run` im Terminal ausgegeben hat.",
  setupUsed: "Dieser Einrichtungslink wurde schon benutzt: Es gibt einen Administrator. Melden Sie sich an.",
  setup: "Administrator anlegen",
  passwordTitle: "Passwort ändern",
  oldPassword: "Bisheriges Passwort",
  newPassword: "Neues Passwort",
  newPasswordHint: "Mehrere zufällige Wörter ergeben ein gutes Passwort.",
  repeatPassword: "Neues Passwort wiederholen",
  change: "Passwort ändern",
  changed: "Ihr Passwort wurde geändert.",
  required: "Dieses Feld ist erforderlich.",
  notSame: "Die Passwörter stimmen nicht überein.",
};
