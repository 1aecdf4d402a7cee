// crypto.subtle: digests and HMAC. Source: Web Cryptography API. All else is refused by name.
(function (kit, native) {
  const BITS = { "SHA-1": 160, "SHA-256": 256, "SHA-384": 384, "SHA-512": 512 };
  const keys = new WeakMap(); // the bytes of a key

  function refuse(message, name = "NotSupportedError") {
    throw new DOMException(message, name);
  }

  function bitsOf(algorithm) {
    const name = String(typeof algorithm === "object" && algorithm ? algorithm.name : algorithm).toUpperCase();
    return BITS[name] ?? refuse(`there is no digest ${name.slice(0, 40)}: use ${Object.keys(BITS).join(", ")}`);
  }

  const joined = (one, other) => {
    const both = new Uint8Array(one.length + other.length);
    both.set(one);
    both.set(other, one.length);
    return both;
  };

  // Source: RFC 2104.
  function hmac(key, data) {
    const { bits, bytes } = keys.get(key);
    const size = bits > 256 ? 128 : 64;
    const held = bytes.length > size ? new Uint8Array(native.digest(bits, bytes)) : bytes;
    const padded = (value) => Uint8Array.from({ length: size }, (_, at) => (held[at] ?? 0) ^ value);
    const inner = new Uint8Array(native.digest(bits, joined(padded(0x36), data)));
    return native.digest(bits, joined(padded(0x5c), inner));
  }

  function keyFor(use, algorithm, key) {
    const name = String(typeof algorithm === "object" && algorithm ? algorithm.name : algorithm).toUpperCase();
    if (name !== "HMAC") refuse(`${use} knows HMAC, not ${name.slice(0, 40)}`);
    if (!keys.has(key)) throw new TypeError(`${use} takes a key of importKey`);
    if (!key.usages.includes(use)) refuse(`the key is not for ${use}`, "InvalidAccessError");
    return key;
  }

  class CryptoKey {
    constructor() {
      throw new TypeError("Illegal constructor");
    }
  }

  const subtle = {
    digest(algorithm, data) {
      const made = () => native.digest(bitsOf(algorithm), kit.bytes(data));
      if (kit.hurried) return Promise.resolve(made());
      return Promise.try(made);
    },
    async importKey(format, data, algorithm, extractable, usages) {
      if (format !== "raw" || String(algorithm?.name).toUpperCase() !== "HMAC") {
        refuse("importKey knows raw keys of HMAC");
      }
      const bits = bitsOf(algorithm.hash);
      const bytes = kit.bytes(data).slice();
      if (!bytes.length) refuse("a key of HMAC has at least one byte", "DataError");
      const hash = { name: Object.keys(BITS).find((name) => BITS[name] === bits) };
      const key = Object.create(CryptoKey.prototype);
      const said = { name: "HMAC", hash, length: bytes.length * 8 };
      Object.assign(key, { type: "secret", extractable: Boolean(extractable), algorithm: said, usages: [...usages] });
      keys.set(key, { bits, bytes });
      return Object.freeze(key);
    },
    async exportKey(format, key) {
      if (format !== "raw" || !keys.has(key)) refuse("exportKey knows raw keys of HMAC");
      if (!key.extractable) refuse("the key was imported not to be exported", "InvalidAccessError");
      return keys.get(key).bytes.slice().buffer;
    },
    async sign(algorithm, key, data) {
      return hmac(keyFor("sign", algorithm, key), kit.bytes(data));
    },
    async verify(algorithm, key, signature, data) {
      const wanted = new Uint8Array(hmac(keyFor("verify", algorithm, key), kit.bytes(data)));
      const given = kit.bytes(signature);
      let differs = wanted.length ^ given.length;
      for (let at = 0; at < wanted.length; at++) differs |= wanted[at] ^ given[at]; // in a time that tells nothing
      return differs === 0;
    },
  };
  for (const name of ["encrypt", "decrypt", "generateKey", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"]) {
    subtle[name] = async () => refuse(`crypto.subtle has no ${name} here: bundle a package for it`);
  }

  Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true, enumerable: true });
  kit.globals({ CryptoKey });
})
