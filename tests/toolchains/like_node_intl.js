// What Node and a plugin have to answer alike about numbers, dates and texts of the locales that plugins know.
const LOCALES = ["en", "en-US", "en-GB", "de", "de-DE", "fr", "es-ES"];
const thrown = (fn) => {
  try {
    return fn();
  } catch (error) {
    return error.name;
  }
};
const NUMBERS = [0, -0, 1, -1.5, 999, 1000, 12345.678, -1234567.891, 0.000123, 1.005, 2.5, 1e21, 123456789012345680000, NaN, Infinity, 12345678901234567890n];
const STYLES = [
  {}, { maximumFractionDigits: 0 }, { minimumFractionDigits: 2 }, { maximumFractionDigits: 1, minimumFractionDigits: 1 }, { minimumIntegerDigits: 3 },
  { useGrouping: false }, { useGrouping: true }, { maximumSignificantDigits: 3 }, { minimumSignificantDigits: 4 }, { style: "percent" },
  { style: "percent", minimumFractionDigits: 1 }, { style: "currency", currency: "EUR" }, { style: "currency", currency: "usd" },
  { style: "currency", currency: "JPY" }, { style: "currency", currency: "CHF" }, { style: "currency", currency: "EUR", currencyDisplay: "code" },
  { style: "currency", currency: "EUR", maximumFractionDigits: 0 }, { signDisplay: "always" }, { signDisplay: "exceptZero" }, { signDisplay: "never" },
];
exports.numbers = () => LOCALES.flatMap((locale) => STYLES.map((style) => NUMBERS.map((one) => new Intl.NumberFormat(locale, style).format(one))));
exports.numberParts = () => LOCALES.map((locale) => new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" }).formatToParts(-1234567.5));
exports.numberRefusals = () => [
  thrown(() => new Intl.NumberFormat("x")), thrown(() => new Intl.NumberFormat("de", { style: "currency" })), thrown(() => new Intl.NumberFormat("de", { style: "none" })),
  thrown(() => new Intl.NumberFormat("de", { maximumFractionDigits: 101 })), thrown(() => new Intl.NumberFormat("de", { minimumFractionDigits: 3, maximumFractionDigits: 1 })),
];
const TIMES = [Date.UTC(2026, 0, 4, 9, 5, 7), Date.UTC(1999, 11, 31, 23, 59, 59), Date.UTC(2024, 4, 15, 0, 0, 0), Date.UTC(2026, 8, 9, 12, 30, 0)];
const NAMED = ["short", "long"];
const all = [undefined, "numeric", "2-digit", "short", "long"];
const FIELDS = all.flatMap((month) => [undefined, "long", "short"].flatMap((weekday) => [undefined, "numeric"].flatMap((year) => [undefined, "numeric", "2-digit"].map((day) => ({ month, weekday, year, day })))))
  // What nobody asks for, such as a weekday with a month and no day, engines show each in its own way.
  .filter(({ month, weekday, year, day }) => (day ? month || !year : !(month && weekday)) && (month || !weekday || !year))
  .filter(({ month, weekday, year, day }) => (month === "2-digit" ? year && day === "2-digit" : NAMED.includes(month) || day !== "2-digit"))
  .filter(({ month, weekday }) => !(month === "short" && weekday === "long"));
const CLOCKS = [
  { hour: "numeric" }, { hour: "2-digit", minute: "2-digit" }, { hour: "numeric", minute: "numeric", second: "numeric" }, { minute: "2-digit", second: "2-digit" },
  { hour: "2-digit", minute: "2-digit", second: "2-digit" },
];
const shown = (locale, options) => TIMES.map((one) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format(one));
exports.dates = () => LOCALES.flatMap((locale) => FIELDS.map((options) => [JSON.stringify(options), locale, shown(locale, options)]));
exports.times = () => LOCALES.flatMap((locale) => CLOCKS.map((options) => [JSON.stringify(options), locale, shown(locale, options)]));
exports.styles = () => {
  const some = [undefined, "full", "long", "medium", "short"];
  const pairs = some.flatMap((dateStyle) => some.map((timeStyle) => ({ dateStyle, timeStyle })));
  return LOCALES.flatMap((locale) => pairs.map((options) => [JSON.stringify(options), locale, shown(locale, options)]));
};
exports.both = () => LOCALES.map((locale) => [
  shown(locale, { year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }),
  shown(locale, { year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "numeric" }),
  shown(locale, { weekday: "long", year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "numeric" }),
  shown(locale, { month: "short", day: "numeric", hour: "numeric", minute: "numeric" }),
  TIMES.map((one) => [new Date(one).toLocaleDateString(locale, { timeZone: "UTC" }), new Date(one).toLocaleTimeString(locale, { timeZone: "UTC" }), new Date(one).toLocaleString(locale, { timeZone: "UTC" })]),
  new Intl.DateTimeFormat(locale, { timeZone: "UTC", dateStyle: "full" }).formatToParts(TIMES[0]),
]);
exports.texts = () => [
  LOCALES.map((locale) => [0, 1, 1.5, 2, 3, 11, 21, 22, 23, 111, 1000000, 1000001].map((one) => [new Intl.PluralRules(locale).select(one), new Intl.PluralRules(locale, { type: "ordinal" }).select(one)])),
  LOCALES.map((locale) => [[], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]].map((list) => [new Intl.ListFormat(locale).format(list), new Intl.ListFormat(locale, { type: "disjunction" }).format(list)])),
  ["Zebra", "apple", "Äpfel", "zebra", "Apple", "éclair", "eclair", "item10", "item9", "", "a b"].sort(new Intl.Collator("de").compare),
  ["item10", "item9", "item 1", "Item9"].sort(new Intl.Collator("en", { numeric: true }).compare),
  [["a", "A"], ["a", "ä"], ["a", "b"], ["A", "ä"]].map((pair) => ["base", "accent", "case", "variant"].map((sensitivity) => new Intl.Collator("en", { sensitivity }).compare(...pair))),
  ["b", "a", "C"].sort((one, other) => one.localeCompare(other)), (1234.5).toLocaleString("de"), 1234567n.toLocaleString("en"), [1.5, 1000].toLocaleString("en"),
  Intl.getCanonicalLocales(["EN-us", "de"]), Intl.NumberFormat("de").format(1.5), [1, 2000].map(new Intl.NumberFormat("en").format),
];
