// As much JSON as the plugin needs: AssemblyScript has none of its own.

const DEPTH = 32;

export enum Kind {
  Null,
  Bool,
  Number,
  Text,
  List,
  Object,
}

export class Json {
  number: f64 = 0;
  text: string = "";
  items: Json[] = [];
  fields: Map<string, Json> = new Map();

  constructor(public kind: Kind) {}

  /** The value, or null when the text is no JSON. */
  static parse(text: string): Json | null {
    const parser = new Parser(text);
    const value = parser.value(0);
    return value !== null && parser.atEnd() ? value : null;
  }

  get(name: string): Json {
    return this.fields.has(name) ? this.fields.get(name) : new Json(Kind.Null);
  }

  get isNull(): bool {
    return this.kind == Kind.Null;
  }

  get isTrue(): bool {
    return this.kind == Kind.Bool && this.number != 0;
  }
}

export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code == 0x22 || code == 0x5c) out += "\\" + text.charAt(i);
    else if (code < 0x20) out += "\\u00" + (code < 16 ? "0" : "1") + "0123456789abcdef".charAt(code & 15);
    else out += text.charAt(i);
  }
  return out + '"';
}

class Parser {
  at: i32 = 0;

  constructor(private source: string) {}

  value(depth: i32): Json | null {
    const code = this.next();
    if (depth > DEPTH) return null;
    if (code == 0x7b) return this.object(depth);
    if (code == 0x5b) return this.list(depth);
    if (code == 0x22) return this.text();
    if (code == 0x2d || isDigit(code)) return this.number();
    if (this.word("null")) return new Json(Kind.Null);
    if (this.word("false")) return new Json(Kind.Bool);
    if (!this.word("true")) return null;
    const yes = new Json(Kind.Bool);
    yes.number = 1;
    return yes;
  }

  atEnd(): bool {
    return this.next() == -1;
  }

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
    const found = new Json(Kind.Object);
    this.at++;
    for (let first = true; this.next() != 0x7d; first = false) {
      if (!first && !this.word(",")) return null;
      if (this.next() != 0x22) return null;
      const name = this.text();
      if (name === null || this.next() != 0x3a) return null;
      this.at++;
      const value = this.value(depth + 1);
      if (value === null) return null;
      found.fields.set(name.text, value);
    }
    this.at++;
    return found;
  }

  private list(depth: i32): Json | null {
    const found = new Json(Kind.List);
    this.at++;
    for (let first = true; this.next() != 0x5d; first = false) {
      if (!first && !this.word(",")) return null;
      const value = this.value(depth + 1);
      if (value === null) return null;
      found.items.push(value);
    }
    this.at++;
    return found;
  }

  private text(): Json | null {
    const found = new Json(Kind.Text);
    for (this.at++; this.at < this.source.length; this.at++) {
      const code = this.source.charCodeAt(this.at);
      if (code == 0x22) {
        this.at++;
        return found;
      }
      if (code < 0x20) return null;
      found.text += code == 0x5c ? this.escape() : String.fromCharCode(code);
    }
    return null;
  }

  private escape(): string {
    const letter = this.source.charAt(++this.at);
    if (letter == "n") return "\n";
    if (letter == "t") return "\t";
    if (letter == "r") return "\r";
    if (letter == "b") return "\b";
    if (letter == "f") return "\f";
    if (letter != "u") return letter;
    this.at += 4;
    return String.fromCharCode(<i32>parseInt(this.source.substr(this.at - 3, 4), 16));
  }

  private number(): Json {
    const from = this.at;
    while (this.at < this.source.length && isNumeric(this.source.charCodeAt(this.at))) this.at++;
    const found = new Json(Kind.Number);
    found.number = parseFloat(this.source.substring(from, this.at));
    return found;
  }
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

function isNumeric(code: i32): bool {
  return isDigit(code) || code == 0x2d || code == 0x2b || code == 0x2e || (code | 32) == 0x65;
}
