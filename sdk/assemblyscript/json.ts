// JSON values: AssemblyScript has none of its own. Numbers keep their digits, so that large integers stay exact.

import "./abort"; // every plugin that uses the kit has it, because all other files import this one

const DEPTH = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export enum Kind {
  Null,
  Boolean,
  Number,
  Text,
  List,
  Object,
}

/** Any JSON value. What is asked of a value of another kind is empty: no text, no items, 0. */
export class Json {
  /** A text, or the digits of a number, or `true`. */
  private content: string = "";
  private held: Json[] = [];
  private names: string[] = [];

  constructor(public readonly kind: Kind) {}

  static none(): Json {
    return new Json(Kind.Null);
  }

  static text(value: string): Json {
    return Json.made(Kind.Text, value);
  }

  static boolean(value: bool): Json {
    return Json.made(Kind.Boolean, value ? "true" : "false");
  }

  static integer(value: i64): Json {
    return Json.made(Kind.Number, value.toString());
  }

  /** What JSON has no number for, such as NaN, is null. */
  static number(value: f64): Json {
    if (!isFinite(value)) return Json.none();
    return Math.trunc(value) == value && Math.abs(value) < 9007199254740992
      ? Json.integer(<i64>value)
      : Json.made(Kind.Number, value.toString());
  }

  static list(items: Json[] = []): Json {
    const made = new Json(Kind.List);
    made.held = items;
    return made;
  }

  static object(): Json {
    return new Json(Kind.Object);
  }

  /** A value whose content is known to be right. */
  static made(kind: Kind, content: string): Json {
    const value = new Json(kind);
    value.content = content;
    return value;
  }

  /** The value, or null when the text is no JSON. */
  static parse(text: string): Json | null {
    const parser = new Parser(text);
    const value = parser.value(0);
    return value !== null && parser.atEnd() ? value : null;
  }

  get isNull(): bool {
    return this.kind == Kind.Null;
  }

  get isTrue(): bool {
    return this.kind == Kind.Boolean && this.content == "true";
  }

  get text(): string {
    return this.kind == Kind.Text ? this.content : "";
  }

  get number(): f64 {
    return this.kind == Kind.Number ? decimal(this.content) : 0;
  }

  get integer(): i64 {
    if (this.kind != Kind.Number) return 0;
    return isWhole(this.content) ? I64.parseInt(this.content) : <i64>decimal(this.content);
  }

  get items(): Json[] {
    return this.kind == Kind.List ? this.held : [];
  }

  /** The names of an object's fields, in order. */
  get fields(): string[] {
    return this.names;
  }

  /** A field of an object; null where there is none. */
  get(name: string): Json {
    const at = this.names.lastIndexOf(name);
    return at < 0 ? Json.none() : this.held[at];
  }

  /** Sets a field of an object and returns the object. */
  set(name: string, value: Json): Json {
    const at = this.names.lastIndexOf(name);
    if (at >= 0) {
      this.held[at] = value;
    } else {
      this.names.push(name);
      this.held.push(value);
    }
    return this;
  }

  /** Adds an item to a list and returns the list. */
  push(value: Json): Json {
    this.held.push(value);
    return this;
  }

  toString(): string {
    const parts: string[] = [];
    this.write(parts);
    return parts.join("");
  }

  private write(parts: string[]): void {
    if (this.kind == Kind.Null) parts.push("null");
    else if (this.kind == Kind.Text) parts.push(quote(this.content));
    else if (this.kind != Kind.List && this.kind != Kind.Object) parts.push(this.content);
    else {
      const isObject = this.kind == Kind.Object;
      parts.push(isObject ? "{" : "[");
      for (let i = 0; i < this.held.length; i++) {
        if (i > 0) parts.push(",");
        if (isObject) parts.push(quote(this.names[i]) + ":");
        this.held[i].write(parts);
      }
      parts.push(isObject ? "}" : "]");
    }
  }
}

/** A text as JSON writes it. Half of a surrogate pair, which has no UTF-8, is escaped. */
export function quote(text: string): string {
  const parts: string[] = ['"'];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code != QUOTE && code != BACKSLASH && !isLone(text, i)) continue;
    if (from < i) parts.push(text.substring(from, i));
    parts.push(code == QUOTE || code == BACKSLASH ? "\\" + text.charAt(i) : "\\u" + hex(code));
    from = i + 1;
  }
  if (from < text.length) parts.push(text.substring(from));
  parts.push('"');
  return parts.join("");
}

function isLone(text: string, at: i32): bool {
  const code = text.charCodeAt(at);
  if ((code & 0xfc00) == 0xd800) return (text.charCodeAt(at + 1) & 0xfc00) != 0xdc00 || at + 1 == text.length;
  return (code & 0xfc00) == 0xdc00 && (at == 0 || (text.charCodeAt(at - 1) & 0xfc00) != 0xd800);
}

function hex(code: i32): string {
  let out = "";
  for (let shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef".charAt((code >> shift) & 15);
  return out;
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

function isWhole(digits: string): bool {
  for (let i = 0; i < digits.length; i++) {
    if (!isDigit(digits.charCodeAt(i)) && !(i == 0 && digits.charCodeAt(0) == 0x2d)) return false;
  }
  return true;
}

/** Powers of ten up to the last that a number holds exactly. */
const TENS: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/**
 * The number that digits stand for: exact up to 15 of them, else right but for the last bits. AssemblyScript's own
 * parseFloat is off by powers of ten where many digits meet a large exponent.
 */
function decimal(digits: string): f64 {
  let mantissa: u64 = 0;
  let exponent = 0;
  let fraction = false;
  for (let i = 0; i < digits.length; i++) {
    const code = digits.charCodeAt(i);
    if (code == 0x2e) fraction = true;
    if ((code | 0x20) == 0x65) {
      const power = digits.substring(i + 1);
      exponent += power.length < 7 ? I32.parseInt(power) : power.charCodeAt(0) == 0x2d ? -9999 : 9999;
      break;
    }
    if (!isDigit(code)) continue;
    const kept = mantissa < 1000000000000000000; // another digit has room
    if (kept) mantissa = mantissa * 10 + (code - 0x30);
    if (kept == fraction) exponent += kept ? -1 : 1;
  }
  for (; exponent < 0 && mantissa > 0 && mantissa % 10 == 0; exponent++) mantissa /= 10; // 1.50 is as exact as 1.5
  return scaled(digits.charCodeAt(0) == 0x2d ? -(<f64>mantissa) : <f64>mantissa, exponent);
}

function scaled(value: f64, exponent: i32): f64 {
  for (; exponent < -22 && value != 0; exponent += 22) value /= 1e22;
  for (; exponent > 22 && value != 0 && isFinite(value); exponent -= 22) value *= 1e22;
  if (value == 0 || !isFinite(value)) return value;
  return exponent < 0 ? value / TENS[-exponent] : value * TENS[exponent];
}

class Parser {
  private at: i32 = 0;

  constructor(private source: string) {}

  value(depth: i32): Json | null {
    const code = this.next();
    if (depth > DEPTH) return null;
    if (code == 0x7b) return this.object(depth);
    if (code == 0x5b) return this.list(depth);
    if (code == QUOTE) {
      const text = this.text();
      return text === null ? null : Json.text(text);
    }
    if (code == 0x2d || isDigit(code)) return this.number();
    if (this.word("null")) return Json.none();
    if (this.word("true")) return Json.boolean(true);
    return this.word("false") ? Json.boolean(false) : null;
  }

  atEnd(): bool {
    return this.next() == -1;
  }

  /** The next letter that is no blank, which stays; -1 at the end. */
  private next(): i32 {
    while (this.at < this.source.length) {
      const code = this.source.charCodeAt(this.at);
      if (code != 0x20 && code != 0x0a && code != 0x0d && code != 0x09) return code;
      this.at++;
    }
    return -1;
  }

  private word(word: string): bool {
    if (this.source.substr(this.at, word.length) != word) return false;
    this.at += word.length;
    return true;
  }

  private object(depth: i32): Json | null {
    const found = Json.object();
    this.at++;
    for (let first = true; this.next() != 0x7d; first = false) {
      if (!first && !this.word(",")) return null;
      if (this.next() != QUOTE) return null;
      const name = this.text();
      if (name === null || this.next() != 0x3a) return null;
      this.at++;
      const value = this.value(depth + 1);
      if (value === null) return null;
      found.set(name, value);
    }
    this.at++;
    return found;
  }

  private list(depth: i32): Json | null {
    const found = Json.list([]);
    this.at++;
    for (let first = true; this.next() != 0x5d; first = false) {
      if (!first && !this.word(",")) return null;
      const value = this.value(depth + 1);
      if (value === null) return null;
      found.push(value);
    }
    this.at++;
    return found;
  }

  private text(): string | null {
    const parts: string[] = [];
    let from = ++this.at;
    for (; this.at < this.source.length; this.at++) {
      const code = this.source.charCodeAt(this.at);
      if (code < 0x20) return null;
      if (code != QUOTE && code != BACKSLASH) continue;
      parts.push(this.source.substring(from, this.at));
      if (code == QUOTE) {
        this.at++;
        return parts.join("");
      }
      const letter = this.escape();
      if (letter === null) return null;
      parts.push(letter);
      from = this.at + 1;
    }
    return null;
  }

  /** What an escape stands for; ends at its last letter. */
  private escape(): string | null {
    const letter = this.source.charAt(++this.at);
    if (letter == '"' || letter == "\\" || letter == "/") return letter;
    if (letter == "n") return "\n";
    if (letter == "t") return "\t";
    if (letter == "r") return "\r";
    if (letter == "b") return "\b";
    if (letter == "f") return "\f";
    if (letter != "u") return null;
    let code = 0;
    for (let i = 0; i < 4; i++) {
      const digit = "0123456789abcdef".indexOf(this.source.charAt(++this.at).toLowerCase());
      if (digit < 0 || this.at >= this.source.length) return null;
      code = code * 16 + digit;
    }
    return String.fromCharCode(code);
  }

  private number(): Json | null {
    const from = this.at;
    if (this.source.charCodeAt(this.at) == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else if (!this.digits()) return null;
    if (this.peek() == 0x2e) {
      this.at++;
      if (!this.digits()) return null;
    }
    if ((this.peek() | 0x20) == 0x65) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      if (!this.digits()) return null;
    }
    return Json.made(Kind.Number, this.source.substring(from, this.at));
  }

  private peek(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  private digits(): bool {
    const from = this.at;
    while (isDigit(this.peek())) this.at++;
    return this.at > from;
  }
}
