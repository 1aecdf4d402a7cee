// Host functions by name, and the one way that all typed doors go.
kit.doorway = () => {
  const USER = "extism:host/user";
  kit.doors = {};
  kit.bound = null;

  kit.globals = (values) => {
    for (const [name, value] of Object.entries(values)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    }
  };

  kit.invoke = (module, name, ...given) => {
    const door = kit.doors[`${module} ${name}`];
    if (door === undefined) throw new ReferenceError(`the host has no function ${name}`);
    if (kit.bound === null) {
      throw new Error(`${name} is not there while a plugin is built; use it in a function, not beside one`);
    }
    if (!kit.bound.has(door.slot)) {
      throw new ReferenceError(`this plugin was built without ${name}: its source has to mention ${door.word} by name`);
    }
    return native.host(door.slot, door.type, ...given);
  };

  class DoorError extends Error {
    constructor({ code, message, remedy, capability, resource, limit }) {
      super(remedy ? `${message}; ${remedy}` : message);
      Object.assign(this, { code, fact: message, remedy, capability, resource, limit });
    }
  }
  Object.defineProperty(DoorError.prototype, "name", { value: "DoorError", writable: true, configurable: true });
  kit.DoorError = DoorError;

  // Asks a door: the request as JSON, the reply as an object. Throws: DoorError for a refusal.
  kit.ask = (name, request) => {
    const handle = native.write(JSON.stringify(request).toWellFormed());
    const answer = kit.invoke(USER, name, handle);
    native.free(handle);
    const reply = JSON.parse(native.readText(answer));
    native.free(answer);
    if (reply.error !== undefined) throw new DoorError(reply.error);
    return reply;
  };

  // Bytes that a door returned: a Uint8Array that can say what it is as text or JSON.
  class Bytes extends Uint8Array {
    static get [Symbol.species]() {
      return Uint8Array;
    }
    text() {
      return native.decode(this);
    }
    json() {
      return JSON.parse(this.text());
    }
  }

  kit.latin = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
    return text;
  };

  const same = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);

  // An ArrayBuffer or any view of one, as a Uint8Array of the same bytes.
  kit.bytes = (value) => {
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    if (!ArrayBuffer.isView(value)) throw new TypeError("bytes are an ArrayBuffer or a view of one");
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  };

  kit.toWire = (value) => {
    if (typeof value === "string") return value;
    const plain = kit.bytes(value);
    const text = native.decode(plain);
    return same(native.encode(text), plain) ? text : { base64: btoa(kit.latin(plain)) };
  };

  kit.fromWire = (value) => {
    if (value === null) return null;
    if (typeof value === "string") return new Bytes(native.encode(value.toWellFormed()));
    return Bytes.from(atob(value.base64), (one) => one.charCodeAt(0));
  };

  // "omnicore", made when it is first asked for: most plugins need no door.
  let nouns = null;
  Object.defineProperty(kit, "nouns", {
    get() {
      if (nouns === null) {
        nouns = { describe: kit.describe, DoorError, Bytes };
        native.own("<prelude>", kit.text("omnicore:nouns"))(kit, nouns);
      }
      return nouns;
    },
  });

  // Globals that few plugins use, each in a file of its own: read when it is used while a plugin is built, or when
  // a source mentions it. All others stay as small as they were.
  const taken = new Set();
  kit.take = (file) => {
    if (taken.has(file)) return;
    taken.add(file);
    native.own("<prelude>", kit.text(`omnicore:globals/${file}`))(kit, native);
  };

  kit.offer = (file, name) => {
    Object.defineProperty(globalThis, name, {
      get() {
        kit.take(file);
        return globalThis[name];
      },
      set: (value) => kit.globals({ [name]: value }),
      configurable: true,
      enumerable: false,
    });
    return () => {
      if (Object.getOwnPropertyDescriptor(globalThis, name)?.get) delete globalThis[name];
    };
  };
};
