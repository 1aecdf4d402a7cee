// Between what travels and what the kit takes and gives.

// Text as it is, `{base64}` as bytes.
export function bytes(value) {
  if (value === null || typeof value !== "object") return value;
  return Uint8Array.from(atob(value.base64), (one) => one.charCodeAt(0));
}

// The options that are there.
export function options(request, names, blobs = []) {
  const given = names.filter((name) => name in request);
  return Object.fromEntries(given.map((name) => [name, blobs.includes(name) ? bytes(request[name]) : request[name]]));
}

// Bytes as text where they are UTF-8, else as `{base64}`.
export function wire(value) {
  if (!(value instanceof Uint8Array)) return value;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return { base64: btoa(Array.from(value, (one) => String.fromCharCode(one)).join("")) };
  }
}

// A record; nothing at all is a record of nulls.
export function record(value, names) {
  return Object.fromEntries(names.map((name) => [name, value === null ? null : wire(value[name])]));
}
