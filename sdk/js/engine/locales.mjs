// Writes the locales that `Intl` knows in plugins, taken from this Node's own: `node sdk/js/engine/locales.mjs`.
// What stands in the file are facts of Unicode's CLDR, under the Unicode License V3.
import { writeFileSync } from "node:fs";

const LOCALES = ["en-US", "en-GB", "de-DE", "fr-FR", "es-ES"];
const CURRENCIES = ["EUR", "USD", "GBP", "JPY", "CHF", "CNY", "INR", "BRL", "CAD", "AUD"];
const DAY = new Date(Date.UTC(2026, 0, 4, 9, 5, 7)); // a Sunday, with numbers of one digit
const OPTIONS = { E: { weekday: "long" }, e: { weekday: "short" }, y: { year: "numeric" }, d: { day: "numeric" } };
const MONTHS = { n: { month: "numeric" }, s: { month: "short" }, l: { month: "long" } };
const TIMES = { h: { hour: "numeric" }, m: { minute: "numeric" }, s: { second: "numeric" } };
const LETTERS = { weekday: "E", year: "y", month: "M", day: "d", hour: "h", minute: "m", second: "s", dayPeriod: "a", timeZoneName: "z" };

// A pattern: a letter for each field, twice where the locale wants two digits, and other texts between ' and '.
function pattern(locale, options) {
  const parts = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).formatToParts(DAY);
  return parts
    .map(({ type, value }) => {
      if (type === "literal") return `'${value.replaceAll("\u202f", " ")}'`; // as `format` writes it
      return LETTERS[type].repeat(/^0\d$/.test(value) || (type === "year" && value.length === 2) ? 2 : 1);
    })
    .join("");
}

const subsets = (keys) => keys.reduce((all, key) => [...all, ...all.map((one) => [...one, key])], [[]]);

function dates(locale) {
  const found = {};
  for (const month of ["", "n", "s", "l"]) {
    for (const keys of subsets(["E", "y", "d"])) {
      const chosen = Object.assign({}, ...keys.map((key) => OPTIONS[key === "E" && month !== "l" ? "e" : key]), MONTHS[month]);
      const key = keys.join("") + (month && `M${month}`);
      if (key) found[key] = pattern(locale, chosen);
    }
  }
  return found;
}

function times(locale, hour12) {
  const all = subsets(["h", "m", "s"]).filter((keys) => keys.length && keys.join("") !== "hs");
  return Object.fromEntries(
    all.map((keys) => [keys.join(""), pattern(locale, Object.assign({ hour12 }, ...keys.map((key) => TIMES[key])))]),
  );
}

function names(locale, options, dates, field = Object.keys(options)[0]) {
  return dates.map((date) => {
    const parts = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).formatToParts(date);
    return parts.find((one) => one.type === field).value;
  });
}

function joint(locale, options) {
  const parts = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).formatToParts(DAY);
  return parts[parts.findIndex((one) => one.type === "hour") - 1].value;
}

function numbers(locale) {
  const part = (options, value, type) => new Intl.NumberFormat(locale, options).formatToParts(value).find((one) => one.type === type)?.value;
  const signed = (options, value) =>
    new Intl.NumberFormat(locale, options)
      .formatToParts(value)
      .map(({ type, value }) => ({ integer: "0", currency: "¤", percentSign: "%", minusSign: "-" })[type] ?? (type === "literal" ? value : ""))
      .join("");
  const money = { style: "currency", currency: "EUR", maximumFractionDigits: 0 };
  return {
    decimal: part({}, 0.5, "decimal"),
    group: part({}, 1234567, "group"),
    least: part({}, 1234, "group") ? 1 : 2,
    percent: signed({ style: "percent" }, 0.5),
    money: [signed(money, 1), signed(money, -1)],
    signs: Object.fromEntries(CURRENCIES.map((currency) => [currency, part({ style: "currency", currency }, 1, "currency")])),
  };
}

function locale(name) {
  const months = Array.from({ length: 12 }, (_, at) => new Date(Date.UTC(2026, at, 5)));
  const days = Array.from({ length: 7 }, (_, at) => new Date(Date.UTC(2026, 0, 4 + at)));
  const styles = ["full", "long", "medium", "short"];
  const both = (field, when) => ({
    long: names(name, { [field]: "long" }, when),
    short: names(name, { [field]: "short" }, when),
    inDates: names(name, { [field]: "short", ...(field === "month" ? OPTIONS.d : { ...OPTIONS.d, ...MONTHS.s }) }, when),
  });
  const list = (type) => [new Intl.ListFormat(name, { type }).format(["a", "b"]), new Intl.ListFormat(name, { type }).format(["a", "b", "c"])];
  return {
    numbers: numbers(name),
    months: both("month", months),
    days: both("weekday", days),
    halves: names(name, { hour: "numeric", hour12: true }, [1, 13].map((hour) => new Date(Date.UTC(2026, 0, 4, hour))), "dayPeriod"),
    hour12: new Intl.DateTimeFormat(name, { hour: "numeric" }).resolvedOptions().hour12,
    dates: dates(name),
    times: { 12: times(name, true), 24: times(name, false) },
    dateStyles: Object.fromEntries(styles.map((one) => [one, pattern(name, { dateStyle: one })])),
    timeStyles: Object.fromEntries(styles.map((one) => [one, pattern(name, { timeStyle: one })])),
    joints: {
      ...Object.fromEntries(styles.map((one) => [one, joint(name, { dateStyle: one, timeStyle: "short" })])),
      n: joint(name, { ...OPTIONS.y, ...MONTHS.n, ...OPTIONS.d, ...TIMES.h }),
      s: joint(name, { ...OPTIONS.y, ...MONTHS.s, ...OPTIONS.d, ...TIMES.h }),
      l: joint(name, { ...OPTIONS.y, ...MONTHS.l, ...OPTIONS.d, ...TIMES.h }),
      El: joint(name, { ...OPTIONS.E, ...OPTIONS.y, ...MONTHS.l, ...OPTIONS.d, ...TIMES.h }),
    },
    lists: { conjunction: list("conjunction"), disjunction: list("disjunction") },
    zone: new Intl.DateTimeFormat(name, { timeZone: "UTC", timeStyle: "full" }).formatToParts(DAY).find((one) => one.type === "timeZoneName").value,
  };
}

const found = Object.fromEntries(LOCALES.map((name) => [name, locale(name)]));
const file = new URL("../src/globals/locales.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(found)}\n`);
