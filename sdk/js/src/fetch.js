// fetch, through the http door: the same grant, and a TypeError where a browser would give one.
kit.fetch = () => {
  class Headers {
    #values = new Map();

    constructor(from = {}) {
      const pairs = from[Symbol.iterator] ? from : Object.entries(from ?? {});
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
      return this[Symbol.iterator]();
    }
    keys() {
      return [...this].map(([name]) => name).values();
    }
    values() {
      return [...this].map(([, value]) => value).values();
    }
    [Symbol.iterator]() {
      return [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1)).values();
    }
  }

  class Response {
    #body;

    constructor(body = "", { status = 200, headers = {}, url = "" } = {}) {
      this.#body = typeof body === "string" ? native.encode(body.toWellFormed()) : body;
      Object.assign(this, { status, ok: status >= 200 && status < 300, headers: new Headers(headers), url });
      this.bodyUsed = false;
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

  async function fetch(resource, { method, headers, body } = {}) {
    const request = { url: String(resource?.href ?? resource) };
    if (method !== undefined) request.method = String(method).toUpperCase();
    if (headers !== undefined) request.headers = Object.fromEntries(new Headers(headers));
    if (body !== undefined && body !== null) {
      const form = body instanceof URLSearchParams;
      if (form) request.headers = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8", ...request.headers };
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
