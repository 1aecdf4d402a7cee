// structuredClone. Source: HTML standard, section 2.7.
kit.clone = () => {
  const refuse = (value) => {
    throw new DOMException(`${typeof value === "object" ? "this object" : String(value)} cannot be cloned`, "DataCloneError");
  };
  const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

  function copied(value, seen, moved) {
    if (typeof value === "function" || typeof value === "symbol") refuse(value);
    if (value === null || typeof value !== "object") return value;
    const held = seen.get(value);
    if (held !== undefined) return held;
    const keep = (made) => (seen.set(value, made), made);
    const copy = (one) => copied(one, seen, moved);
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (["Boolean", "Number", "String", "BigInt"].includes(tag)) return keep(Object(value.valueOf()));
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(moved.has(value) ? value.transfer() : value.slice(0));
    if (ArrayBuffer.isView(value)) return keep(view(value, copy));
    if (value instanceof Map) {
      const made = keep(new Map());
      for (const [key, one] of [...value]) made.set(copy(key), copy(one));
      return made;
    }
    if (value instanceof Set) {
      const made = keep(new Set());
      for (const one of [...value]) made.add(copy(one));
      return made;
    }
    if (value instanceof Error) return keep(failure(value, copy));
    if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef || value instanceof Promise) refuse(value);
    const made = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) made[key] = copy(value[key]);
    return made;
  }

  function view(value, copy) {
    const { byteOffset, length, byteLength } = value; // asked before a transfer empties it
    const size = value instanceof DataView ? byteLength : length;
    const Kind = value instanceof DataView ? DataView : globalThis[value[Symbol.toStringTag]];
    return new Kind(copy(value.buffer), byteOffset, size);
  }

  function failure(value, copy) {
    const made = new (ERRORS[value.name] ?? Error)(String(value.message));
    Object.defineProperty(made, "stack", { value: value.stack, writable: true, configurable: true });
    if ("cause" in value) Object.defineProperty(made, "cause", { value: copy(value.cause), writable: true, configurable: true });
    return made;
  }

  kit.globals({
    structuredClone: (value, { transfer = [] } = {}) => copied(value, new Map(), new Set(transfer)),
  });
};
