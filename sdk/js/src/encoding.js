// TextEncoder and TextDecoder. Source: Encoding standard; UTF-8, UTF-16 little-endian and windows-1252.
kit.encoding = () => {
  const LABELS = {
    "utf-8": ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"],
    "utf-16le": ["utf-16le", "utf-16", "ucs-2", "unicode", "unicodefeff", "iso-10646-ucs-2", "csunicode"],
    "windows-1252": ["windows-1252", "latin1", "iso-8859-1", "iso8859-1", "ascii", "us-ascii", "l1", "cp1252"],
  };
  const names = new Map(Object.entries(LABELS).flatMap(([name, labels]) => labels.map((label) => [label, name])));
  const HIGH = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(text = "") {
      return native.encode(String(text).toWellFormed());
    }
    encodeInto(text, into) {
      let read = 0;
      let written = 0;
      for (const one of String(text).toWellFormed()) {
        const bytes = native.encode(one);
        if (written + bytes.length > into.length) break;
        into.set(bytes, written);
        written += bytes.length;
        read += one.length;
      }
      return { read, written };
    }
  }

  // How many bytes at the end begin a character that is not whole yet.
  function unfinished(bytes) {
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back];
      if ((byte & 0xc0) === 0x80) continue;
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return needs > back ? back : 0;
    }
    return 0;
  }

  function utf16(bytes) {
    let text = "";
    for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(bytes[at] | (bytes[at + 1] << 8));
    return text.toWellFormed() + (bytes.length % 2 ? "\ufffd" : "");
  }

  const latin = (bytes) => kit.latin(bytes).replace(/[\x80-\x9f]/g, (one) => HIGH[one.charCodeAt(0) - 0x80]);

  function joined(one, other) {
    if (!one.length) return other;
    const both = new Uint8Array(one.length + other.length);
    both.set(one);
    both.set(other, one.length);
    return both;
  }

  function viewed(input) {
    if (input === undefined) return new Uint8Array();
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
    throw new TypeError("TextDecoder.decode takes an ArrayBuffer or a view of one");
  }

  class TextDecoder {
    #rest = new Uint8Array();
    #begun = false;

    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      const encoding = names.get(String(label).trim().toLowerCase());
      if (encoding === undefined) throw new RangeError(`the encoding ${label} is not known`);
      for (const [key, value] of Object.entries({ encoding, fatal: Boolean(fatal), ignoreBOM: Boolean(ignoreBOM) })) {
        Object.defineProperty(this, key, { value, enumerable: true });
      }
    }

    decode(input, { stream = false } = {}) {
      let bytes = joined(this.#rest, viewed(input));
      const wide = this.encoding === "utf-16le";
      const held = !stream ? 0 : wide ? bytes.length % 2 : this.encoding === "utf-8" ? unfinished(bytes) : 0;
      this.#rest = bytes.slice(bytes.length - held);
      bytes = bytes.subarray(0, bytes.length - held);
      let text = wide ? utf16(bytes) : this.encoding === "utf-8" ? native.decode(bytes) : latin(bytes);
      if (this.fatal && text.includes("\ufffd") && !this.#faithful(text, bytes)) {
        this.#rest = new Uint8Array();
        throw new TypeError("the bytes are not what the encoding allows");
      }
      if (!this.ignoreBOM && !this.#begun && text.startsWith("\ufeff")) text = text.slice(1);
      this.#begun = stream && (this.#begun || bytes.length > 0);
      return text;
    }

    #faithful(text, bytes) {
      if (this.encoding === "utf-16le") return bytes.length === text.length * 2 && !/\ufffd/.test(text);
      const again = native.encode(text);
      return again.length === bytes.length && again.every((value, at) => value === bytes[at]);
    }
  }

  for (const [name, value] of Object.entries({ TextEncoder, TextDecoder })) {
    Object.defineProperty(value.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
  kit.globals({ TextEncoder, TextDecoder });
};
