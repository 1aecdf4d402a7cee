// What Node and a plugin have to answer alike: each function returns JSON of what it saw.
const hex = (value) => Buffer.from(value).toString("hex");
const thrown = (fn) => {
  try {
    return fn() ?? null;
  } catch (error) {
    return error.name;
  }
};
const ENCODINGS = ["utf8", "UTF-8", "utf16le", "ucs2", "latin1", "binary", "ascii", "hex", "base64", "base64url"];
const TEXTS = ["", "hello", "hé€😀", "\ud800x", "68656c6c6f", "6865zz", "abc", "aGVsbG8=", "aGVsbG8", "aGV-_8", "a GVs\nbG8=", "a", "ab=cd"];

exports.encodings = () => TEXTS.map((text) => ENCODINGS.map((name) => hex(Buffer.from(text, name))));
exports.decodings = () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
  const others = ["ff", "c3", "e282ac", "f09f9880", "00d8"].map((one) => Buffer.from(one, "hex"));
  return [all, ...others].map((bytes) => ENCODINGS.map((name) => bytes.toString(name)).concat(bytes.toString("hex", 1, 3)));
};
exports.made = () => [
  hex(Buffer.alloc(3)), hex(Buffer.alloc(5, "ab")), hex(Buffer.alloc(5, "YWI=", "base64")), hex(Buffer.alloc(2, 257)),
  hex(Buffer.from([1, 256, -1, "7", 2.9])), hex(Buffer.from({ type: "Buffer", data: [1, 2] })), hex(Buffer.from(new String("x"))),
  hex(Buffer.from(new Uint16Array([1, 258]))), hex(Buffer.from(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)), hex(Buffer.of(1, 2)),
  hex(Buffer.concat([Buffer.from("ab"), new Uint8Array([1])])), hex(Buffer.concat([Buffer.from("abc")], 2)), hex(Buffer.concat([Buffer.from("a")], 3)),
  thrown(() => Buffer.from("a", "none")), thrown(() => Buffer.from(null)), thrown(() => Buffer.from(5)), thrown(() => Buffer.alloc(-1)),
  Buffer.byteLength("é€"), Buffer.byteLength("abcd", "hex"), Buffer.byteLength(new ArrayBuffer(3)),
  Buffer.isBuffer(Buffer.alloc(1)), Buffer.isBuffer(new Uint8Array(1)), Buffer.isEncoding("UTF8"), Buffer.isEncoding(1),
  Buffer.compare(Buffer.from("a"), Buffer.from("ab")), Buffer.compare(Buffer.from("b"), Buffer.from("ab")),
  JSON.stringify(Buffer.from("hi")), Buffer.from("x") instanceof Uint8Array, Buffer.from("test").length,
];
exports.parts = () => {
  const bytes = Buffer.from("hello world hello");
  const part = bytes.slice(-5, -1);
  part[0] = 0x48;
  const copied = Buffer.alloc(6, ".");
  const written = Buffer.alloc(6, ".");
  return [
    bytes.toString(), part.toString(), Buffer.isBuffer(part), Buffer.isBuffer(bytes.subarray(1)), hex(bytes.slice(5, 2)),
    [bytes.copy(copied, 2), hex(copied), bytes.copy(copied, 4, 6, 8), hex(copied), bytes.copy(copied, 6)],
    [written.write("a€b", 1), hex(written), written.write("€€", 1, 4), hex(written), written.write("ff", "hex"), hex(written)],
    [written.write("é", 5), thrown(() => written.write("a", 7)), hex(Buffer.alloc(4).fill("ab", 1)), hex(Buffer.alloc(4).fill("0102", "hex"))],
    [hex(Buffer.alloc(4).fill(7, 1, 3)), hex(Buffer.alloc(3).fill(""))],
    [bytes.indexOf("world"), bytes.indexOf("hello", 1), bytes.indexOf(0x6f), bytes.indexOf("none"), bytes.indexOf("o", -5), bytes.indexOf("", 3)],
    [bytes.lastIndexOf("hello"), bytes.lastIndexOf("hello", 5), bytes.lastIndexOf(0x6f), bytes.indexOf(Buffer.from("wor")), bytes.includes("xyz")],
    [bytes.equals(Buffer.from(bytes)), bytes.equals(part), bytes.compare(part), part.compare(bytes, 0, 4), bytes.compare(part, 0, 4, 12, 16)],
    [hex(Buffer.from("01020304", "hex").swap16()), hex(Buffer.from("01020304", "hex").swap32()), thrown(() => Buffer.alloc(3).swap16())],
    [[...bytes.slice(0, 3).entries()], hex(bytes.map((one) => one + 1)), typeof bytes.buffer.byteLength],
  ];
};
exports.numbers = () => {
  const found = [];
  for (const [name, value] of [["UInt8", 255], ["Int8", -42], ["UInt16", 0x0102], ["Int16", -1000], ["UInt32", 0xdeadbeef], ["Int32", -123456]]) {
    for (const ending of name.endsWith("8") ? [""] : ["LE", "BE"]) {
      const bytes = Buffer.alloc(6);
      found.push(bytes[`write${name}${ending}`](value, 1), hex(bytes), bytes[`read${name}${ending}`](1));
      found.push(thrown(() => bytes[`write${name}${ending}`](2 ** 40)), thrown(() => bytes[`read${name}${ending}`](6)));
    }
  }
  const wide = Buffer.alloc(8);
  for (const ending of ["LE", "BE"]) {
    wide[`writeDouble${ending}`](Math.PI);
    found.push(hex(wide), wide[`readDouble${ending}`](), wide[`writeFloat${ending}`](0.5, 4), wide[`readFloat${ending}`](4));
    wide[`writeBigInt64${ending}`](-2n);
    found.push(hex(wide), String(wide[`readBigUInt64${ending}`]()), thrown(() => wide.writeBigUInt64LE(-1n)));
    found.push(wide[`writeIntBE`](-300, 0, 3), hex(wide), wide[`readInt${ending}`](0, 3), wide[`readUInt${ending}`](1, 6));
    found.push(wide[`writeUIntLE`](2 ** 40 + 1, 1, 6), hex(wide), wide.readUint16BE(0), thrown(() => wide.writeUIntLE(256, 0, 1)));
  }
  return found;
};

exports.events = () => {
  const seen = [];
  const target = new EventTarget();
  const twice = (event) => seen.push(event.type, event.target === target, event.currentTarget === target, event.eventPhase);
  target.addEventListener("a", twice);
  target.addEventListener("a", twice);
  target.addEventListener("a", { handleEvent: () => seen.push("object") }, { once: true });
  const event = new Event("a", { cancelable: true });
  seen.push(target.dispatchEvent(event), target.dispatchEvent(new Event("a")), event.eventPhase, event.target === target);
  target.removeEventListener("a", twice);
  target.addEventListener("a", (one) => (one.preventDefault(), one.stopImmediatePropagation()));
  target.addEventListener("a", () => seen.push("never"));
  const kept = new Event("a", { cancelable: true });
  seen.push(target.dispatchEvent(kept), kept.defaultPrevented, target.dispatchEvent(new Event("a")), thrown(() => target.dispatchEvent({})));
  const { type, bubbles, cancelable, composed, defaultPrevented, isTrusted } = new Event(7, { bubbles: 1 });
  const custom = new CustomEvent("c", { detail: { n: 1 } });
  return [...seen, { type, bubbles, cancelable, composed, defaultPrevented, isTrusted }, custom.detail, custom instanceof Event, thrown(() => new Event())];
};
exports.aborts = () => {
  const seen = [];
  const controller = new AbortController();
  const { signal } = controller;
  signal.onabort = (event) => seen.push("on", event.type);
  signal.addEventListener("abort", () => seen.push("heard"));
  const target = new EventTarget();
  target.addEventListener("x", () => seen.push("never"), { signal });
  const both = AbortSignal.any([new AbortController().signal, signal]);
  seen.push(signal.aborted, signal.reason ?? null);
  controller.abort("why");
  controller.abort("again");
  target.dispatchEvent(new Event("x"));
  const told = AbortSignal.abort();
  return [...seen, signal.aborted, signal.reason, both.aborted, both.reason, told.reason.name, thrown(() => told.throwIfAborted()), thrown(() => new AbortSignal())];
};

exports.digests = async () => {
  const data = Uint8Array.from({ length: 300 }, (_, at) => at);
  const found = [];
  for (const name of ["SHA-1", "SHA-256", "sha-384", { name: "SHA-512" }]) {
    for (const size of [0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 300]) {
      found.push(hex(await crypto.subtle.digest(name, data.subarray(0, size))));
    }
  }
  for (const [hash, size] of [["SHA-256", 5], ["SHA-256", 100], ["SHA-512", 200], ["SHA-1", 64]]) {
    const algorithm = { name: "HMAC", hash };
    const key = await crypto.subtle.importKey("raw", data.subarray(0, size), algorithm, true, ["sign", "verify"]);
    const signature = await crypto.subtle.sign("HMAC", key, data);
    const wrong = Uint8Array.from(new Uint8Array(signature), (one, at) => (at ? one : one ^ 1));
    found.push(hex(signature), await crypto.subtle.verify("HMAC", key, signature, data), await crypto.subtle.verify("HMAC", key, wrong, data));
    found.push(hex(await crypto.subtle.exportKey("raw", key)), key.type, key.extractable, key.algorithm.hash.name, key.usages);
  }
  const name = (promise) => promise.then(() => "done", (error) => error.name);
  const verifier = await crypto.subtle.importKey("raw", data, { name: "HMAC", hash: "SHA-1" }, false, ["verify"]);
  return [...found, await name(crypto.subtle.digest("MD5", data)), await name(crypto.subtle.digest("SHA-1", "text")), await name(crypto.subtle.sign("HMAC", verifier, data)), (await name(crypto.subtle.exportKey("raw", verifier))).slice(0, 13)];
};

exports.headers = () => {
  const headers = new Headers([["Content-Type", " text/plain "], ["Accept", "a"]]);
  headers.append("accept", "b");
  headers.set("X-One", 1);
  headers.delete("none");
  const copy = new Headers(headers);
  copy.delete("x-one");
  return [[...headers], [...headers.keys()], [...copy.values()], headers.keys().next().value, headers.get("ACCEPT"), headers.has("x"), [...new Headers()]];
};
exports.responses = async () => {
  const response = new Response('{"n":1}', { status: 201, statusText: "Made", headers: { "Content-Type": "application/json" } });
  const copy = response.clone();
  const first = await response.json();
  const name = (promise) => promise.then(() => "done", (error) => error.name);
  const none = new Response(null, { status: 204 });
  const form = new Response(new URLSearchParams({ a: "b c" }));
  return [
    first, response.bodyUsed, response.ok, response.status, response.statusText, copy.headers.get("content-type"), await copy.text(),
    await name(response.text()), thrown(() => response.clone()), await none.text(), none.ok, new Response("x", { status: 404 }).ok,
    await Response.json({ a: [1] }, { status: 202 }).text(), Response.json(1).headers.get("content-type"),
    await form.text(), form.headers.get("content-type"), [...new Uint8Array(await new Response(Uint8Array.of(1, 2)).arrayBuffer())],
  ];
};
