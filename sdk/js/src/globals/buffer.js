// Buffer, as Node has it. Source: https://nodejs.org/api/buffer.html; without pools, Blob, File and transcode.
(function (kit, native) {
  const NAMES = {
    utf8: ["utf8", "utf-8"],
    utf16le: ["utf16le", "utf-16le", "ucs2", "ucs-2"],
    latin1: ["latin1", "binary"],
    ascii: ["ascii"],
    hex: ["hex"],
    base64: ["base64"],
    base64url: ["base64url"],
  };
  const names = new Map(Object.entries(NAMES).flatMap(([name, labels]) => labels.map((label) => [label, name])));

  function encodingOf(label) {
    const name = names.get(String(label ?? "utf8").toLowerCase());
    if (name === undefined) throw new TypeError(`Unknown encoding: ${label}`);
    return name;
  }

  const single = (text) => Uint8Array.from(text, (one) => one.charCodeAt(0));

  function wide(text) {
    const bytes = new Uint8Array(text.length * 2);
    for (let at = 0; at < text.length; at++) {
      bytes[at * 2] = text.charCodeAt(at);
      bytes[at * 2 + 1] = text.charCodeAt(at) >> 8;
    }
    return bytes;
  }

  // As Node does, what is no sign of the alphabet is passed over, and nothing is read behind a "=".
  function base64(text) {
    const signs = text.split("=", 1)[0].replace(/-/g, "+").replace(/_/g, "/").replace(/[^A-Za-z0-9+/]/g, "");
    return Uint8Array.fromBase64(signs.length % 4 === 1 ? signs.slice(0, -1) : signs);
  }

  const INTO = {
    utf8: (text) => native.encode(text.toWellFormed()),
    utf16le: wide,
    latin1: (text) => single(Array.from({ length: text.length }, (_, at) => text[at])),
    hex: (text) => Uint8Array.fromHex(/^(?:[0-9a-fA-F]{2})*/.exec(text)[0]),
    base64,
    base64url: base64,
  };
  INTO.ascii = INTO.latin1;

  const FROM = {
    utf8: (bytes) => native.decode(bytes),
    utf16le: (bytes) => {
      let text = "";
      for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(bytes[at] | (bytes[at + 1] << 8));
      return text;
    },
    latin1: (bytes) => kit.latin(bytes),
    ascii: (bytes) => kit.latin(bytes.map((byte) => byte & 0x7f)),
    hex: (bytes) => bytes.toHex(),
    base64: (bytes) => bytes.toBase64(),
    base64url: (bytes) => bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
  };

  const plain = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bytesOf = (value, encoding) => (typeof value === "string" ? INTO[encodingOf(encoding)](value) : value);

  function owned(bytes) {
    const made = new Buffer(bytes.length);
    made.set(bytes);
    return made;
  }

  function within(value, low, high, what) {
    if (!(value >= low && value <= high)) {
      throw new RangeError(`The value of "${what}" is out of range. It must be >= ${low} and <= ${high}. Received ${value}`);
    }
    return value;
  }

  // A place for a search or a slice: from the end where it is negative, and never outside.
  const place = (at, length, otherwise) => {
    const whole = at === undefined || Number.isNaN(Number(at)) ? otherwise : Math.trunc(Number(at));
    return Math.min(Math.max(whole < 0 ? whole + length : whole, 0), length);
  };

  class Buffer extends Uint8Array {
    static poolSize = 0;

    static from(value, encodingOrOffset, length) {
      if (typeof value === "string") return owned(bytesOf(value, encodingOrOffset));
      if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Buffer(value, encodingOrOffset, length);
      if (ArrayBuffer.isView(value) || Array.isArray(value)) return owned(Uint8Array.from(value));
      if (value?.type === "Buffer" && Array.isArray(value.data)) return owned(Uint8Array.from(value.data));
      const held = value?.valueOf?.();
      if (held !== undefined && held !== null && held !== value) return Buffer.from(held, encodingOrOffset, length);
      if (typeof value?.length === "number") return owned(Uint8Array.from(value));
      throw new TypeError("Buffer.from takes a string, bytes, an array or something like one");
    }
    static of(...values) {
      return Buffer.from(values);
    }
    static alloc(size, fill, encoding) {
      const made = new Buffer(within(size, 0, 0x7fffffff, "size"));
      return fill === undefined || fill === 0 ? made : made.fill(fill, 0, size, encoding);
    }
    static allocUnsafe(size) {
      return Buffer.alloc(size);
    }
    static allocUnsafeSlow(size) {
      return Buffer.alloc(size);
    }
    static isBuffer(value) {
      return value instanceof Buffer;
    }
    static isEncoding(label) {
      return typeof label === "string" && names.has(label.toLowerCase());
    }
    static byteLength(value, encoding) {
      return typeof value === "string" ? bytesOf(value, encoding).length : value.byteLength;
    }
    static concat(list, total = list.reduce((sum, one) => sum + one.length, 0)) {
      const made = Buffer.alloc(total);
      let at = 0;
      for (const one of list) {
        if (at >= total) break;
        made.set(one.subarray(0, total - at), at);
        at += one.length;
      }
      return made;
    }
    static compare(one, other) {
      for (let at = 0; at < Math.min(one.length, other.length); at++) {
        if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
      }
      return Math.sign(one.length - other.length);
    }

    get parent() {
      return this.buffer;
    }
    toString(encoding, start = 0, end = this.length) {
      const [from, to] = [Math.min(Math.max(start, 0), this.length), Math.min(Math.max(end, 0), this.length)];
      return from >= to ? "" : FROM[encodingOf(encoding)](plain(this).subarray(from, to));
    }
    toLocaleString(encoding, start, end) {
      return this.toString(encoding, start, end);
    }
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    }
    equals(other) {
      return this === other || Buffer.compare(this, other) === 0;
    }
    compare(other, start = 0, end = other.length, ownStart = 0, ownEnd = this.length) {
      return Buffer.compare(plain(this).subarray(ownStart, ownEnd), plain(other).subarray(start, end));
    }
    copy(target, targetStart = 0, start = 0, end = this.length) {
      within(start, 0, this.length, "sourceStart");
      const part = plain(this).subarray(start, Math.min(end, start + Math.max(target.length - targetStart, 0)));
      if (part.length) target.set(part, targetStart);
      return part.length;
    }
    slice(start, end) {
      return this.subarray(start, end);
    }
    subarray(start, end) {
      const [from, to] = [place(start, this.length, 0), place(end, this.length, this.length)];
      return new Buffer(this.buffer, this.byteOffset + from, Math.max(to - from, 0));
    }
    write(text, offset, length, encoding) {
      if (typeof offset === "string") [offset, encoding] = [0, offset];
      else if (typeof length === "string") [length, encoding] = [undefined, length];
      const from = within(offset ?? 0, 0, this.length, "offset");
      const room = Math.min(length ?? this.length - from, this.length - from);
      let bytes = bytesOf(String(text), encoding);
      if (bytes.length > room) {
        let cut = room;
        // Half a character is not written.
        if (encodingOf(encoding) === "utf8") while (cut > 0 && (bytes[cut] & 0xc0) === 0x80) cut--;
        else if (encodingOf(encoding) === "utf16le") cut -= cut % 2;
        bytes = bytes.subarray(0, cut);
      }
      this.set(bytes, from);
      return bytes.length;
    }
    fill(value, start, end, encoding) {
      if (typeof start === "string") [start, encoding] = [undefined, start];
      else if (typeof end === "string") [end, encoding] = [undefined, end];
      const from = within(start ?? 0, 0, this.length, "offset");
      const to = within(end ?? this.length, 0, this.length, "end");
      if (typeof value !== "string" && !ArrayBuffer.isView(value)) return super.fill(Number(value) & 255, from, to);
      const bytes = bytesOf(value, encoding);
      if (!bytes.length) return super.fill(0, from, to);
      for (let at = from; at < to; at++) this[at] = bytes[(at - from) % bytes.length];
      return this;
    }
    indexOf(value, from, encoding) {
      return search(this, value, from, encoding, 1);
    }
    lastIndexOf(value, from, encoding) {
      return search(this, value, from, encoding, -1);
    }
    includes(value, from, encoding) {
      return this.indexOf(value, from, encoding) !== -1;
    }
    swap16() {
      return swapped(this, 2);
    }
    swap32() {
      return swapped(this, 4);
    }
    swap64() {
      return swapped(this, 8);
    }
  }

  function search(buffer, value, from, encoding, step) {
    if (typeof from === "string") [from, encoding] = [undefined, from];
    const bytes = typeof value === "number" ? Uint8Array.of(value & 255) : bytesOf(value, encoding);
    const last = buffer.length - bytes.length;
    let at = place(from, buffer.length, step > 0 ? 0 : buffer.length);
    if (step < 0) at = Math.min(at, last);
    for (; at >= 0 && at <= last; at += step) {
      let same = 0;
      while (same < bytes.length && buffer[at + same] === bytes[same]) same++;
      if (same === bytes.length) return at;
    }
    return -1;
  }

  function swapped(buffer, size) {
    if (buffer.length % size) throw new RangeError(`Buffer size must be a multiple of ${size * 8}-bits`);
    for (let at = 0; at < buffer.length; at += size) plain(buffer).subarray(at, at + size).reverse();
    return buffer;
  }

  const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const define = (name, value) => {
    const known = { value, writable: true, configurable: true };
    Object.defineProperty(Buffer.prototype, name, known);
    if (name.includes("UInt")) Object.defineProperty(Buffer.prototype, name.replace("UInt", "Uint"), known);
  };

  function fixed(name, kind, size, low, high) {
    const endings = size === 1 ? [["", true]] : [["LE", true], ["BE", false]];
    for (const [ending, little] of endings) {
      define(`read${name}${ending}`, function (offset = 0) {
        return view(this)[`get${kind}`](within(offset, 0, this.length - size, "offset"), little);
      });
      define(`write${name}${ending}`, function (value, offset = 0) {
        const number = low === undefined ? Number(value) : within(value, low, high, "value");
        view(this)[`set${kind}`](within(offset, 0, this.length - size, "offset"), number, little);
        return offset + size;
      });
    }
  }

  for (const bits of [8, 16, 32]) {
    fixed(`UInt${bits}`, `Uint${bits}`, bits / 8, 0, 2 ** bits - 1);
    fixed(`Int${bits}`, `Int${bits}`, bits / 8, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  }
  fixed("BigUInt64", "BigUint64", 8, 0n, 2n ** 64n - 1n);
  fixed("BigInt64", "BigInt64", 8, -(2n ** 63n), 2n ** 63n - 1n);
  fixed("Float", "Float32", 4);
  fixed("Double", "Float64", 8);

  // Whole numbers of one to six bytes.
  for (const little of [true, false]) {
    const ending = little ? "LE" : "BE";
    const places = (size) => Array.from({ length: size }, (_, at) => (little ? size - 1 - at : at));
    const read = (buffer, offset, size) => {
      within(offset, 0, buffer.length - within(size, 1, 6, "byteLength"), "offset");
      return places(size).reduce((value, at) => value * 256 + buffer[offset + at], 0);
    };
    const write = (buffer, value, offset, size, low, high) => {
      within(offset, 0, buffer.length - within(size, 1, 6, "byteLength"), "offset");
      let rest = within(value, low, high, "value") < 0 ? value + 256 ** size : value;
      for (const at of places(size).reverse()) {
        buffer[offset + at] = rest % 256;
        rest = Math.floor(rest / 256);
      }
      return offset + size;
    };
    define(`readUInt${ending}`, function (offset, size) {
      return read(this, offset, size);
    });
    define(`readInt${ending}`, function (offset, size) {
      const value = read(this, offset, size);
      return value >= 256 ** size / 2 ? value - 256 ** size : value;
    });
    define(`writeUInt${ending}`, function (value, offset, size) {
      return write(this, value, offset, size, 0, 256 ** size - 1);
    });
    define(`writeInt${ending}`, function (value, offset, size) {
      return write(this, value, offset, size, -(256 ** size) / 2, 256 ** size / 2 - 1);
    });
  }

  kit.globals({ Buffer });
})
