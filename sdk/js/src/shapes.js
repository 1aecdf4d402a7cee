// What a function takes and gives: by `describe`, by the manifest, by its types, or by how it is written.
kit.shapes = () => {
  const JSON_MEDIA = "application/json";
  const TEXT = "text/plain";
  const BYTES = "application/octet-stream";
  const described = new WeakMap();
  const known = new Set(["description", "input", "output", "input_media", "output_media"]);

  // "text", "bytes" or a JSON Schema.
  function side(spec, key) {
    const given = spec[key];
    const media = spec[`${key}_media`];
    if (given === undefined) return media === undefined ? {} : { [`${key}_media`]: media };
    if (given === "text") return { [key]: { type: "string" }, [`${key}_media`]: TEXT };
    if (given === "bytes") return { [`${key}_media`]: BYTES };
    if (given === null || typeof given !== "object") {
      throw new TypeError(`describe: ${key} is "text", "bytes" or a JSON Schema`);
    }
    return { [key]: given, [`${key}_media`]: media ?? JSON_MEDIA };
  }

  kit.describe = (fn, spec) => {
    if (typeof fn !== "function" || spec === null || typeof spec !== "object") {
      throw new TypeError("describe(fn, {description, input, output}) takes a function and what is to be said of it");
    }
    for (const key of Object.keys(spec)) {
      if (!known.has(key)) throw new TypeError(`describe: ${key} is none of ${[...known].join(", ")}`);
    }
    const description = spec.description === undefined ? {} : { description: String(spec.description) };
    described.set(fn, { ...description, ...side(spec, "input"), ...side(spec, "output") });
    return fn;
  };

  const media = (spec, key) => spec[`${key}_media`] ?? (spec[key] === undefined ? undefined : JSON_MEDIA);

  // Not `length`, which does not count parameters with a default.
  const nothing = /^(?:async\s+)?(?:function\b\s*\*?\s*)?[\w$]*\s*\(\s*(?:\/\*[^]*?\*\/\s*)*\)/;
  const declares = (fn) => fn.length > 0 || !nothing.test(Function.prototype.toString.call(fn));

  // What the types of TypeScript say, for the sides of which nobody says more.
  function typed(types, own, settings) {
    const found = { ...own };
    const said = (key) => [own, settings].some((one) => key in one || `${key}_media` in one);
    for (const key of ["input", "output"]) {
      for (const each of said(key) ? [] : [key, `${key}_media`]) if (each in types) found[each] = types[each];
    }
    return types.description === undefined ? found : { description: types.description, ...found };
  }

  // A function without parameters speaks through Host, as with Extism's kit; any other is given its input. Where nothing
  // is said of them both sides are JSON.
  kit.shape = (fn, settings = {}, types = {}, declared = false) => {
    const parameters = declares(fn);
    const own = parameters ? typed(types, described.get(fn) ?? {}, settings) : (described.get(fn) ?? {});
    const spec = { ...own, ...settings };
    const values = parameters || described.has(fn);
    const fallback = values ? JSON_MEDIA : undefined;
    const takes = parameters ? (media(spec, "input") ?? fallback) : null;
    const gives = media(spec, "output") ?? fallback ?? null;
    const plain = fallback === undefined ? {} : { input_media: fallback, output_media: fallback };
    return { takes, gives, code: declared && !values, spec: { ...plain, ...own } };
  };

  // JSON that is none arrives as the text it is: `omnicore call greeter.shout hello` needs no quotes.
  kit.input = (takes) => {
    if (takes === BYTES) return new Uint8Array(native.input());
    const text = native.inputText();
    if (takes === TEXT) return text;
    if (text === "") return null;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };

  const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

  kit.output = (gives, value) => {
    if (gives === JSON_MEDIA) {
      if (isBytes(value)) throw new TypeError('the function returns bytes: describe it with output: "bytes"');
      native.output(JSON.stringify(value) ?? "null");
    } else if (isBytes(value)) {
      native.output(kit.bytes(value));
    } else if (typeof value === "string") {
      native.output(value.toWellFormed());
    } else if (gives === null) {
      if (value !== undefined && value !== null) native.output(JSON.stringify(value) ?? "");
    } else if (value !== undefined && value !== null) {
      throw new TypeError(`the function returns ${typeof value} where ${gives === TEXT ? "text" : "bytes"} is promised`);
    }
  };
};
