// Intl for the locales of locales.json: numbers, dates, plurals, lists and the order of texts; the time zones are UTC and
// offsets from it. Source: ECMA-402; what is not here is refused by name.
(function (kit) {
  const LOCALES = JSON.parse(kit.text("omnicore:globals/locales"));
  const BY_LANGUAGE = Object.fromEntries(Object.keys(LOCALES).reverse().map((name) => [name.slice(0, 2), name]));

  function canonical(locales) {
    const given = locales === undefined ? [] : typeof locales === "string" ? [locales] : Array.from(locales);
    return given.map((one) => {
      const parts = String(one).split("-");
      if (!/^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$/.test(one)) throw new RangeError(`Incorrect locale information provided: ${one}`);
      const shaped = parts.map((part, at) => {
        if (at === 0) return part.toLowerCase();
        return part.length === 2 ? part.toUpperCase() : part.length === 4 ? part[0].toUpperCase() + part.slice(1).toLowerCase() : part.toLowerCase();
      });
      return shaped.join("-");
    });
  }

  const known = (name) => BY_LANGUAGE[name.slice(0, name.indexOf("-") < 0 ? undefined : name.indexOf("-"))];

  // The first that is known: as it was asked for, and whose data it gets.
  function chosen(locales) {
    const name = canonical(locales).find(known) ?? "en-US";
    return { name, data: LOCALES[name] ?? LOCALES[known(name)] };
  }

  function one(options, name, allowed, otherwise) {
    const value = options[name];
    if (value === undefined) return otherwise;
    if (!allowed.includes(String(value))) throw new RangeError(`Value ${value} out of range for Intl options property ${name}, or not here`);
    return String(value);
  }

  function digits(options, name, low, high, otherwise) {
    const value = options[name];
    if (value === undefined) return otherwise;
    if (!(value >= low && value <= high)) throw new RangeError(`${name} value is out of range.`);
    return Math.floor(value);
  }

  class Format {
    static supportedLocalesOf(locales) {
      return canonical(locales).filter(known);
    }
    format(value) {
      return this.formatToParts(value).map((part) => part.value).join("");
    }
  }

  // `format` is handed on without its object: array.map(formatter.format).
  const bound = (made) => Object.defineProperty(made, "format", { value: Format.prototype.format.bind(made), configurable: true });

  // -- numbers

  // The shortest digits that stand for a number, and where its point is.
  function decimal(value) {
    if (typeof value === "bigint") return { text: String(value < 0n ? -value : value), point: String(value < 0n ? -value : value).length };
    const [mantissa, exponent] = Math.abs(value).toExponential().split("e");
    return { text: mantissa.replace(".", ""), point: Number(exponent) + 1 };
  }

  // Half away from zero, `keep` digits of the text.
  function rounded({ text, point }, keep) {
    if (keep >= text.length) return { text, point };
    if (keep < 0) return { text: "0", point: 1 };
    if (text[keep] < "5") return { text: text.slice(0, keep) || "0", point: keep ? point : 1 };
    const up = String(BigInt(`0${text.slice(0, keep)}`) + 1n).padStart(keep, "0");
    return { text: up, point: point + up.length - keep };
  }

  const PLACES = { JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, KWD: 3, BHD: 3, TND: 3, OMR: 3, JOD: 3 };

  class NumberFormat extends Format {
    #locale;
    #options;

    constructor(locales, given = {}) {
      super();
      this.#locale = chosen(locales);
      const style = one(given, "style", ["decimal", "percent", "currency"], "decimal");
      one(given, "notation", ["standard"]);
      const currency = given.currency === undefined ? undefined : String(given.currency).toUpperCase();
      if (style === "currency" && !/^[A-Z]{3}$/.test(currency ?? "")) {
        throw new (currency === undefined ? TypeError : RangeError)("currency is a code of three letters");
      }
      const usual = style === "currency" ? [PLACES[currency] ?? 2, PLACES[currency] ?? 2] : style === "percent" ? [0, 0] : [0, 3];
      const least = digits(given, "minimumFractionDigits", 0, 100);
      const most = digits(given, "maximumFractionDigits", 0, 100);
      if (least !== undefined && most !== undefined && least > most) throw new RangeError("maximumFractionDigits value is out of range.");
      const figures = given.minimumSignificantDigits !== undefined || given.maximumSignificantDigits !== undefined;
      const grouping = given.useGrouping === undefined ? "auto" : given.useGrouping === false || given.useGrouping === "false" ? false : given.useGrouping === "min2" ? "min2" : given.useGrouping === true ? "always" : String(given.useGrouping);
      this.#options = {
        style,
        ...(style === "currency" ? { currency, currencyDisplay: one(given, "currencyDisplay", ["symbol", "narrowSymbol", "code"], "symbol") } : {}),
        minimumIntegerDigits: digits(given, "minimumIntegerDigits", 1, 21, 1),
        minimumFractionDigits: least ?? Math.min(usual[0], most ?? 100),
        maximumFractionDigits: most ?? Math.max(usual[1], least ?? 0),
        ...(figures
          ? {
              minimumSignificantDigits: digits(given, "minimumSignificantDigits", 1, 21, 1),
              maximumSignificantDigits: digits(given, "maximumSignificantDigits", given.minimumSignificantDigits ?? 1, 21, 21),
            }
          : {}),
        useGrouping: grouping,
        signDisplay: one(given, "signDisplay", ["auto", "always", "never", "exceptZero", "negative"], "auto"),
      };
      bound(this);
    }

    resolvedOptions() {
      return { locale: this.#locale.name, numberingSystem: "latn", ...this.#options };
    }

    #grouped(whole) {
      const { group, least } = this.#locale.data.numbers;
      const how = this.#options.useGrouping;
      const needs = how === "always" ? 1 : how === "min2" ? 2 : least;
      if (how === false || whole.length < 3 + needs) return [{ type: "integer", value: whole }];
      const found = [];
      for (let end = whole.length; end > 0; end -= 3) found.unshift(whole.slice(Math.max(end - 3, 0), end));
      return found.flatMap((value, at) => [...(at ? [{ type: "group", value: group }] : []), { type: "integer", value }]);
    }

    #number(value) {
      if (typeof value === "number" && Number.isNaN(value)) return [{ type: "nan", value: "NaN" }];
      if (value === Infinity || value === -Infinity) return [{ type: "infinity", value: "∞" }];
      const options = this.#options;
      let made = decimal(value);
      if (options.style === "percent" && made.text !== "0") made.point += 2;
      let [least, figures] = [options.minimumFractionDigits, 0];
      if (options.maximumSignificantDigits === undefined) made = rounded(made, made.point + options.maximumFractionDigits);
      else {
        made = rounded(made, options.maximumSignificantDigits);
        [least, figures] = [0, options.minimumSignificantDigits];
      }
      const all = "0".repeat(Math.max(1 - made.point, 0)) + made.text + "0".repeat(Math.max(made.point - made.text.length, 0));
      const cut = Math.max(made.point, 1);
      const leading = /[1-9]/.test(all) ? /^0*/.exec(all)[0].length : 0;
      const fraction = all.slice(cut).replace(/0+$/, "").padEnd(Math.max(least, figures - (cut - Math.min(leading, cut)) + Math.max(leading - cut, 0)), "0");
      const whole = all.slice(0, cut).replace(/^0+(?=\d)/, "").padStart(options.minimumIntegerDigits, "0");
      return [...this.#grouped(whole), ...(fraction ? [{ type: "decimal", value: this.#locale.data.numbers.decimal }, { type: "fraction", value: fraction }] : [])];
    }

    formatToParts(given) {
      const value = typeof given === "bigint" ? given : Number(given);
      const inner = this.#number(value);
      const { style, currency, currencyDisplay, signDisplay } = this.#options;
      const zero = inner.every((part) => !/[1-9∞]/.test(part.value)); // also what is no number
      const below = value < 0 || Object.is(value, -0);
      const minus = below && signDisplay !== "never" && !(zero && ["exceptZero", "negative"].includes(signDisplay));
      const plus = !below && (signDisplay === "always" || (signDisplay === "exceptZero" && !zero));
      const { percent, money, signs } = this.#locale.data.numbers;
      let shape = style === "currency" ? money[minus || plus ? 1 : 0] : `${minus || plus ? "-" : ""}${style === "percent" ? percent : "0"}`;
      const sign = style === "currency" ? (currencyDisplay === "code" ? currency : (signs[currency] ?? currency)) : "";
      if (/[A-Za-z]$/.test(sign) && inner[0].type === "integer") shape = shape.replace("¤0", "¤\u00a00");
      return Array.from(shape).flatMap((mark) => {
        if (mark === "0") return inner;
        if (mark === "¤") return [{ type: "currency", value: sign }];
        if (mark === "-") return [minus ? { type: "minusSign", value: "-" } : { type: "plusSign", value: "+" }];
        return [{ type: mark === "%" ? "percentSign" : "literal", value: mark }];
      });
    }
  }

  // -- dates

  const FIELDS = { weekday: ["narrow", "short", "long"], year: ["2-digit", "numeric"], month: ["2-digit", "numeric", "narrow", "short", "long"], day: ["2-digit", "numeric"] };
  const CLOCK = { hour: ["2-digit", "numeric"], minute: ["2-digit", "numeric"], second: ["2-digit", "numeric"] };
  const STYLES = ["full", "long", "medium", "short"];
  const ABSENT = ["era", "dayPeriod", "fractionalSecondDigits"];
  const TYPES = { E: "weekday", y: "year", M: "month", d: "day", h: "hour", m: "minute", s: "second", a: "dayPeriod", z: "timeZoneName" };
  const NAMED = ["narrow", "short", "long"];

  function offset(zone) {
    if (/^(UTC|GMT|Etc\/(UTC|GMT|UCT|Zulu)|Zulu|UCT)$/i.test(zone)) return { name: "UTC", minutes: 0 };
    const found = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
    if (!found || found[2] > 23 || (found[3] ?? 0) > 59) {
      throw new RangeError(`Invalid time zone specified: ${zone}; a plugin knows UTC and offsets such as +02:00`);
    }
    const minutes = (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] ?? 0));
    return { name: `${found[1]}${found[2]}:${found[3] ?? "00"}`, minutes };
  }

  class DateTimeFormat extends Format {
    #locale;
    #options = {};
    #zone;
    #pattern;

    // `wanted`: which fields there are when none is named, "date", "time" or "all".
    constructor(locales, given = {}, wanted = "date") {
      super();
      this.#locale = chosen(locales);
      this.#zone = offset(String(given.timeZone ?? "UTC"));
      const absent = ABSENT.find((name) => given[name] !== undefined);
      if (absent) throw new RangeError(`${absent} of dates is not here`);
      for (const [name, allowed] of Object.entries({ ...FIELDS, ...CLOCK, dateStyle: STYLES, timeStyle: STYLES, timeZoneName: ["short"] })) {
        const value = one(given, name, allowed);
        if (value !== undefined) this.#options[name] = value;
      }
      const cycle = one(given, "hourCycle", ["h11", "h12", "h23", "h24"]);
      this.hour12 = given.hour12 ?? (cycle === undefined ? this.#locale.data.hour12 : cycle === "h11" || cycle === "h12");
      this.#complete(wanted);
      this.#pattern = this.#options.dateStyle || this.#options.timeStyle ? this.#styled() : this.#composed();
      delete this.hour12;
      bound(this);
    }

    #complete(wanted) {
      const options = this.#options;
      const has = (fields) => Object.keys(fields).some((name) => options[name] !== undefined);
      if (options.dateStyle || options.timeStyle) {
        if (has(FIELDS) || has(CLOCK)) throw new TypeError("Can't set option of a field when dateStyle or timeStyle is used");
        return;
      }
      if (has(wanted === "date" ? FIELDS : wanted === "time" ? CLOCK : { ...FIELDS, ...CLOCK })) return;
      if (wanted === "date" && has(CLOCK)) return;
      if (wanted !== "time") Object.assign(options, { year: "numeric", month: "numeric", day: "numeric" });
      if (wanted !== "date") Object.assign(options, { hour: "numeric", minute: "numeric", second: "numeric" });
    }

    #styled() {
      const { dateStyle, timeStyle } = this.#options;
      const { dateStyles, timeStyles, joints, hour12, times } = this.#locale.data;
      let time = timeStyle ? timeStyles[timeStyle] : "";
      if (timeStyle && this.hour12 !== hour12) {
        time = times[this.hour12 ? 12 : 24][timeStyle === "short" ? "hm" : "hms"] + (timeStyle === "full" || timeStyle === "long" ? "' 'z" : "");
      }
      return [dateStyle ? dateStyles[dateStyle] : "", dateStyle && timeStyle ? `'${joints[dateStyle]}'` : "", time].join("");
    }

    #composed() {
      const { weekday, year, month, day, hour, minute, second, timeZoneName } = this.#options;
      const width = month === undefined ? "" : NAMED.includes(month) ? (month === "long" ? "l" : "s") : "n";
      const key = (weekday ? "E" : "") + (year ? "y" : "") + (day ? "d" : "") + (width ? `M${width}` : "");
      const clock = (hour ? "h" : "") + (minute ? "m" : "") + (second ? "s" : "");
      const { dates, times, joints } = this.#locale.data;
      const kinds = times[this.hour12 ? 12 : 24];
      const time = clock ? (kinds[clock] ?? kinds.hms) : "";
      const joint = key && time ? `'${(weekday && width === "l" && joints.El) || (joints[width] ?? joints.n)}'` : "";
      const zone = timeZoneName ? `'${time || !key ? " " : ", "}'z` : "";
      return (key ? dates[key] : "") + joint + time + zone;
    }

    resolvedOptions() {
      return { locale: this.#locale.name, calendar: "gregory", numberingSystem: "latn", timeZone: this.#zone.name, ...this.#options };
    }

    formatToParts(given) {
      const time = given === undefined ? Date.now() : Number(given);
      if (!Number.isFinite(time) || Math.abs(time) > 8.64e15) throw new RangeError("Invalid time value");
      const at = new Date(time + this.#zone.minutes * 60_000);
      const marks = this.#pattern.match(/'[^']*'|([A-Za-z])\1?/g) ?? [];
      const parts = marks.map((mark) => (mark[0] === "'" ? { type: "literal", value: mark.slice(1, -1) } : { type: TYPES[mark[0]], value: this.#field(mark, at) }));
      const joined = [];
      for (const part of parts) {
        if (part.type === "literal" && joined.at(-1)?.type === "literal") joined.at(-1).value += part.value;
        else joined.push(part);
      }
      return joined;
    }

    #field(mark, at) {
      const { months, days, halves, zone } = this.#locale.data;
      const options = this.#options;
      const name = TYPES[mark[0]];
      const two = (value) => (mark.length === 2 || options[name] === "2-digit" ? String(value % 100).padStart(2, "0") : String(value));
      const style = options.dateStyle;
      const alone = Object.keys(FIELDS).filter((one) => options[one] !== undefined).length === 1;
      const named = (kind, width, index) => {
        if (width === "narrow") return kind.long[index][0].toUpperCase();
        return width === "long" ? kind.long[index] : (alone ? kind.short : kind.inDates)[index];
      };
      if (mark[0] === "E") return named(days, style === "full" ? "long" : (options.weekday ?? "short"), at.getUTCDay());
      if (mark[0] === "M") {
        const numeric = mark.length === 2 || style === "short" || ["numeric", "2-digit"].includes(options.month) || !(options.month || style);
        if (numeric) return two(at.getUTCMonth() + 1);
        return named(months, style ? (style === "medium" ? "short" : "long") : options.month, at.getUTCMonth());
      }
      if (mark[0] === "y") return two(at.getUTCFullYear());
      if (mark[0] === "d") return two(at.getUTCDate());
      if (mark[0] === "h") return two(/'?a/.test(this.#pattern.replace(/'[^']*'/g, "'")) ? at.getUTCHours() % 12 || 12 : at.getUTCHours());
      if (mark[0] === "m") return two(at.getUTCMinutes());
      if (mark[0] === "s") return two(at.getUTCSeconds());
      if (mark[0] === "a") return halves[at.getUTCHours() < 12 ? 0 : 1];
      return options.timeStyle === "full" && this.#zone.minutes === 0 ? zone : this.#zone.minutes === 0 ? "UTC" : `GMT${this.#zone.name.replace(/:00$/, "").replace(/([+-])0/, "$1")}`;
    }
  }

  // -- texts

  class PluralRules extends Format {
    #locale;
    #options;

    constructor(locales, given = {}) {
      super();
      this.#locale = chosen(locales);
      this.#options = { type: one(given, "type", ["cardinal", "ordinal"], "cardinal") };
    }
    select(given) {
      const number = Math.abs(Number(given));
      const language = this.#locale.name.slice(0, 2);
      const [ten, hundred] = [number % 10, number % 100];
      if (this.#options.type === "ordinal") {
        if (language === "fr") return number === 1 ? "one" : "other";
        if (language !== "en" || !Number.isInteger(number)) return "other";
        if (ten === 1 && hundred !== 11) return "one";
        if (ten === 2 && hundred !== 12) return "two";
        return ten === 3 && hundred !== 13 ? "few" : "other";
      }
      if (language === "fr" ? number < 2 : number === 1) return "one";
      return ["fr", "es"].includes(language) && number !== 0 && number % 1_000_000 === 0 ? "many" : "other";
    }
    resolvedOptions() {
      return { locale: this.#locale.name, ...this.#options };
    }
  }
  delete PluralRules.prototype.format;

  class ListFormat extends Format {
    #locale;
    #options;

    constructor(locales, given = {}) {
      super();
      this.#locale = chosen(locales);
      this.#options = { type: one(given, "type", ["conjunction", "disjunction"], "conjunction"), style: one(given, "style", ["long"], "long") };
    }
    formatToParts(given) {
      const items = Array.from(given, (item) => {
        if (typeof item !== "string") throw new TypeError("a list is of texts");
        return item;
      });
      const [two, three] = this.#locale.data.lists[this.#options.type];
      const last = items.length === 2 ? two.slice(1, -1) : three.slice(three.indexOf("b") + 1, -1);
      const between = three.slice(1, three.indexOf("b"));
      return items.flatMap((value, at) => {
        const literal = at === 0 ? [] : [{ type: "literal", value: at === items.length - 1 ? last : between }];
        return [...literal, { type: "element", value }];
      });
    }
    resolvedOptions() {
      return { locale: this.#locale.name, ...this.#options };
    }
  }

  const bare = (text) => text.normalize("NFD").replace(/\p{M}/gu, "");
  const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

  function numeric(one, other) {
    const [parts, others] = [one, other].map((text) => text.match(/\d+|\D/g) ?? []);
    for (let at = 0; at < Math.min(parts.length, others.length); at++) {
      const both = /^\d/.test(parts[at]) && /^\d/.test(others[at]);
      const found = both ? order(BigInt(parts[at]), BigInt(others[at])) : order(parts[at], others[at]);
      if (found) return found;
    }
    return order(parts.length, others.length);
  }

  class Collator extends Format {
    #locale;
    #options;

    constructor(locales, given = {}) {
      super();
      this.#locale = chosen(locales);
      const sensitivity = one(given, "sensitivity", ["base", "accent", "case", "variant"], "variant");
      this.#options = { usage: one(given, "usage", ["sort", "search"], "sort"), sensitivity, numeric: Boolean(given.numeric) };
      const { numeric: byNumber } = this.#options;
      this.compare = (left, right) => {
        const [one, other] = [String(left), String(right)];
        const letters = [bare(one).toLowerCase(), bare(other).toLowerCase()];
        const first = byNumber ? numeric(...letters) : order(...letters);
        if (first || sensitivity === "base") return first;
        const marks = sensitivity === "case" ? 0 : order(one.normalize("NFD").toLowerCase(), other.normalize("NFD").toLowerCase());
        if (marks || sensitivity === "accent") return marks;
        return -order(bare(one), bare(other)); // small letters come first
      };
    }
    resolvedOptions() {
      return { locale: this.#locale.name, ...this.#options };
    }
  }

  const Intl = { NumberFormat, DateTimeFormat, PluralRules, ListFormat, Collator, getCanonicalLocales: canonical };
  for (const name of ["NumberFormat", "DateTimeFormat", "Collator"]) {
    const Kind = Intl[name]; // these three are called without `new` as well
    Intl[name] = function (...given) {
      return new Kind(...given);
    };
    Object.defineProperty(Intl[name], "name", { value: name });
    Intl[name].prototype = Kind.prototype;
    Intl[name].supportedLocalesOf = (locales) => Kind.supportedLocalesOf(locales);
  }
  Object.defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });
  kit.globals({ Intl });

  const replaced = (on, name, value) => Object.defineProperty(on, name, { value, writable: true, configurable: true });
  for (const on of [Number.prototype, BigInt.prototype]) {
    replaced(on, "toLocaleString", function (locales, options) {
      return new NumberFormat(locales, options).format(this.valueOf());
    });
  }
  for (const [name, wanted] of [["toLocaleString", "all"], ["toLocaleDateString", "date"], ["toLocaleTimeString", "time"]]) {
    replaced(Date.prototype, name, function (locales, options) {
      return Number.isNaN(this.getTime()) ? "Invalid Date" : new DateTimeFormat(locales, options, wanted).format(this);
    });
  }
  replaced(String.prototype, "localeCompare", function (other, locales, options) {
    return new Collator(locales, options).compare(this, other);
  });
})
