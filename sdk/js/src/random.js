// Math.random and crypto, alive in every instance. While a plugin is built the first repeats itself and the second
// refuses: a key that is drawn then would be the same in every copy of the plugin.
kit.random = () => {
  const MOST = 65536;
  const RANDOM = ["extism:host/user", "random_fill_v1"];
  const WHOLE = new Set(
    ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "BigInt64", "BigUint64"].map((n) => `${n}Array`),
  );

  Math.random = () => native.random();
  Object.defineProperty(Math, "random", { value: Math.random, enumerable: false });

  function getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || !WHOLE.has(array[Symbol.toStringTag])) {
      throw new DOMException("getRandomValues takes an array of whole numbers", "TypeMismatchError");
    }
    if (array.byteLength > MOST) {
      throw new DOMException(`getRandomValues gives ${MOST} bytes at once`, "QuotaExceededError");
    }
    if (array.byteLength === 0) return array;
    const handle = kit.invoke(...RANDOM, array.byteLength);
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(new Uint8Array(native.read(handle)));
    native.free(handle);
    return array;
  }

  function randomUUID() {
    const bytes = getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const crypto = { getRandomValues, randomUUID };
  Object.defineProperty(crypto, "subtle", {
    get() {
      kit.take("subtle");
      return crypto.subtle;
    },
    configurable: true,
    enumerable: true,
  });
  kit.globals({ crypto });
};
