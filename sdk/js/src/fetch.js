// fetch, through the http door: the same grant, and a TypeError where a browser would give one.
kit.fetch = () => {
  const FORM = "application/x-www-form-urlencoded;charset=UTF-8";

  class Headers {
    #values = new Map();

    constructor(from) {
      const pairs = from?.[Symbol.iterator] ? from : Object.entries(from ?? {});
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) {
      const held = this.get(name);
      this.set(name, held === null ? value : `${held}, ${value}`);
    }
    set(name, value) {
      this.#values.set(String(name).toLowerCase(), String(value).trim());
    }
    get(name) {
      return this.#values.get(String(name).toLowerCase()) ?? null;
    }
    has(name) {
      return this.#values.has(String(name).toLowerCase());
    }
    delete(name) {
      this.#values.delete(String(name).toLowerCase());
    }
    forEach(fn, self) {
      for (const [name, value] of this) fn.call(self, value, name, this);
    }
    entries() {
      return counted(sorted(this.#values));
    }
    keys() {
      return counted(sorted(this.#values).map(([name]) => name));
    }
    values() {
      return counted(sorted(this.#values).map(([, value]) => value));
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  }

  const sorted = (values) => [...values].sort(([one], [other]) => (one < other ? -1 : 1));
  // An iterator that says how many there are: Extism's kit gives arrays.
  const counted = (items) => Object.assign(items.values(), { length: items.length });

  class Response {
    #body;

    constructor(body, { status = 200, statusText = "", headers = {}, url = "" } = {}) {
      const form = body instanceof URLSearchParams;
      const text = body === undefined || body === null ? "" : form ? String(body) : body;
      this.#body = typeof text === "string" ? native.encode(text.toWellFormed()) : kit.bytes(text);
      Object.assign(this, { status, statusText, ok: status >= 200 && status < 300, headers: new Headers(headers), url });
      Object.assign(this, { type: "default", redirected: false });
      if (form && !this.headers.has("content-type")) this.headers.set("content-type", FORM);
      this.bodyUsed = false;
    }
    static json(data, options = {}) {
      const headers = new Headers(options.headers);
      if (!headers.has("content-type")) headers.set("content-type", "application/json");
      return new Response(JSON.stringify(data), { ...options, headers });
    }
    clone() {
      if (this.bodyUsed) throw new TypeError("the body has been read already");
      return new Response(this.#body, this);
    }
    #taken() {
      if (this.bodyUsed) throw new TypeError("the body has been read already");
      this.bodyUsed = true;
      return this.#body;
    }
    async text() {
      return native.decode(this.#taken());
    }
    async json() {
      return JSON.parse(native.decode(this.#taken()));
    }
    async bytes() {
      return new Uint8Array(this.#taken());
    }
    async arrayBuffer() {
      return new Uint8Array(this.#taken()).buffer;
    }
  }

  async function fetch(resource, { method, headers, body, signal } = {}) {
    signal?.throwIfAborted();
    const request = { url: String(resource?.href ?? resource) };
    if (method !== undefined) request.method = String(method).toUpperCase();
    if (headers !== undefined) request.headers = Object.fromEntries(new Headers(headers));
    if (body !== undefined && body !== null) {
      const form = body instanceof URLSearchParams;
      if (form) request.headers = { "content-type": FORM, ...request.headers };
      request.body = kit.toWire(form ? String(body) : body);
    }
    let reply;
    try {
      reply = kit.ask("http_fetch_v1", request);
    } catch (error) {
      if (!(error instanceof kit.DoorError)) throw error;
      throw new TypeError(`fetch failed: ${error.message}`, { cause: error });
    }
    return new Response(kit.fromWire(reply.body), { status: reply.status, headers: reply.headers, url: request.url });
  }

  kit.globals({ fetch, Headers, Response });
};
