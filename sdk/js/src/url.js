// URL and URLSearchParams. Source: URL standard.
kit.url = () => {
  const { PORTS, special, hex, escaped, FRAGMENT, QUERY, PATH, USER, unescaped, invalid, hostOf } = kit.places;

  function segments(path, start, isSpecial, isFile) {
    const out = [...start];
    const parts = path.split(isSpecial ? /[/\\]/ : "/");
    parts.forEach((part, at) => {
      const plain = part.replace(/%2e/gi, ".");
      const last = at === parts.length - 1;
      if (plain === "..") {
        if (!(isFile && out.length === 1 && /^[a-z]:$/i.test(out[0]))) out.pop();
        if (last) out.push("");
      } else if (plain === ".") {
        if (last) out.push("");
      } else {
        out.push(escaped(part, PATH));
      }
    });
    return out;
  }

  const PARTS = /^([^?#]*)(\?[^#]*)?(#[^]*)?$/;

  function parse(input, base) {
    const text = input.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text);
    const url = { protocol: scheme?.[1].toLowerCase().concat(":") ?? base?.protocol, username: "", password: "" };
    Object.assign(url, { host: null, port: "", path: [], opaque: null, query: null, fragment: null });
    let rest = scheme ? text.slice(scheme[0].length) : text;
    if (!scheme && base === null) throw invalid(input);
    const isSpecial = special(url.protocol);
    if (scheme && base && isSpecial && base.protocol === url.protocol && !/^[/\\]/.test(rest)) return relative(url, rest, base);
    if (!scheme) return relative(url, rest, base, input);
    return absolute(url, rest, input);
  }

  function tail(url, rest) {
    const [, path, query, fragment] = PARTS.exec(rest);
    const quote = special(url.protocol) ? `${QUERY}'` : QUERY;
    if (query !== undefined) url.query = escaped(query.slice(1), quote);
    if (fragment !== undefined) url.fragment = escaped(fragment.slice(1), FRAGMENT);
    return path;
  }

  function absolute(url, rest, input) {
    const isSpecial = special(url.protocol);
    const path = tail(url, rest);
    const slashes = isSpecial && url.protocol !== "file:" ? /^[/\\]*/ : isSpecial ? /^[/\\]{2}/ : /^\/\//;
    const found = slashes.exec(path);
    if (found || (isSpecial && url.protocol !== "file:")) return authority(url, path.slice(found?.[0].length ?? 0), input);
    if (url.protocol === "file:") {
      url.host = "";
      url.path = segments(path.replace(/^[/\\]/, ""), [], true, true);
    } else if (path.startsWith("/")) {
      url.path = segments(path.slice(1), [], false, false);
    } else {
      url.opaque = escaped(path, "").replace(/ +$/, "");
    }
    return url;
  }

  function authority(url, rest, input) {
    const isSpecial = special(url.protocol);
    const end = rest.search(isSpecial ? /[/\\]/ : /\//);
    const owner = end < 0 ? rest : rest.slice(0, end);
    const at = owner.lastIndexOf("@");
    if (at >= 0) {
      const [, user, password] = /^([^:]*):?([^]*)$/.exec(owner.slice(0, at));
      url.username = escaped(user, USER);
      url.password = escaped(password, USER);
    }
    const place = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(owner.slice(at + 1));
    if (!place || (url.protocol === "file:" && (at >= 0 || place[2] !== undefined))) throw invalid(input);
    if (at >= 0 && place[1] === "") throw invalid(input);
    url.host = hostOf(place[1], url.protocol, input);
    if (url.protocol === "file:" && url.host === "localhost") url.host = "";
    setPort(url, place[2] ?? "", input);
    const path = end < 0 ? "" : rest.slice(end + 1);
    url.path = end < 0 && !isSpecial ? [] : segments(path, [], isSpecial, url.protocol === "file:");
    return url;
  }

  function setPort(url, digits, input) {
    const port = digits === "" ? "" : String(Number(digits));
    if (Number(port) > 65535) throw invalid(input);
    url.port = port === PORTS[url.protocol] ? "" : port;
  }

  function relative(url, rest, base, input = rest) {
    const isSpecial = special(base.protocol);
    if (base.opaque !== null) {
      if (!rest.startsWith("#")) throw invalid(input);
      tail(Object.assign(url, base), rest);
      return url;
    }
    if ((isSpecial ? /^[/\\]{2}/ : /^\/\//).test(rest)) {
      const path = tail(url, rest);
      return authority(url, path.slice(2), input);
    }
    const { username, password, host, port } = base;
    Object.assign(url, { username, password, host, port });
    const path = tail(url, rest);
    if (path === "") {
      url.path = [...base.path];
      if (url.query === null && !rest.startsWith("?")) url.query = base.query;
    } else if (/^[/\\]/.test(path) && (isSpecial || path[0] === "/")) {
      url.path = segments(path.slice(1), [], isSpecial, url.protocol === "file:");
    } else {
      url.path = segments(path, base.path.slice(0, -1), isSpecial, url.protocol === "file:");
    }
    return url;
  }

  const pathOf = (url) => url.opaque ?? (url.path.length ? `/${url.path.join("/")}` : "");

  function written(url) {
    const user = url.username || url.password ? `${url.username}${url.password ? `:${url.password}` : ""}@` : "";
    const owner = url.host === null ? "" : `//${user}${url.host}${url.port ? `:${url.port}` : ""}`;
    const path = url.host === null && url.opaque === null && url.path.length > 1 && url.path[0] === "" ? `/.${pathOf(url)}` : pathOf(url);
    const query = url.query === null ? "" : `?${url.query}`;
    return url.protocol + owner + path + query + (url.fragment === null ? "" : `#${url.fragment}`);
  }

  const form = (text) => escaped(text, "!\"#$%&'()+,/:;<=>?@[\\]^`{|}~").replaceAll("%20", "+").replaceAll(" ", "+");
  const unform = (text) => unescaped(text.replaceAll("+", " "));

  function pairsOf(text) {
    return text.split("&").filter(Boolean).map((part) => {
      const at = part.indexOf("=");
      return at < 0 ? [unform(part), ""] : [unform(part.slice(0, at)), unform(part.slice(at + 1))];
    });
  }

  const changed = new WeakMap(); // what to do when parameters change: write them into their URL

  class URLSearchParams {
    #pairs = [];

    constructor(from = "") {
      if (typeof from === "object" && from !== null) {
        const pairs = from[Symbol.iterator] ? Array.from(from, (pair) => [...pair]) : Object.entries(from);
        if (pairs.some((pair) => pair.length !== 2)) throw new TypeError("URLSearchParams takes pairs of name and value");
        this.#pairs = pairs.map(([name, value]) => [String(name), String(value)]);
      } else {
        this.#pairs = pairsOf(String(from).replace(/^\?/, ""));
      }
    }
    get size() {
      return this.#pairs.length;
    }
    #change(pairs) {
      this.#pairs = pairs;
      changed.get(this)?.(this.toString());
    }
    append(name, value) {
      this.#change([...this.#pairs, [String(name), String(value)]]);
    }
    delete(name, value) {
      this.#change(this.#pairs.filter((pair) => pair[0] !== String(name) || (value !== undefined && pair[1] !== String(value))));
    }
    get(name) {
      return this.#pairs.find((pair) => pair[0] === String(name))?.[1] ?? null;
    }
    getAll(name) {
      return this.#pairs.filter((pair) => pair[0] === String(name)).map((pair) => pair[1]);
    }
    has(name, value) {
      return this.#pairs.some((pair) => pair[0] === String(name) && (value === undefined || pair[1] === String(value)));
    }
    set(name, value) {
      const at = this.#pairs.findIndex((pair) => pair[0] === String(name));
      if (at < 0) return this.append(name, value);
      const kept = this.#pairs.filter((pair, place) => place <= at || pair[0] !== String(name));
      return this.#change(kept.with(at, [String(name), String(value)]));
    }
    sort() {
      this.#change(this.#pairs.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)));
    }
    forEach(fn, self) {
      for (const [name, value] of this.#pairs) fn.call(self, value, name, this);
    }
    *entries() {
      for (const pair of this.#pairs) yield [...pair];
    }
    *keys() {
      for (const [name] of this.#pairs) yield name;
    }
    *values() {
      for (const [, value] of this.#pairs) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${form(name)}=${form(value)}`).join("&");
    }
    static renew(params, text) {
      params.#pairs = pairsOf(text);
    }
  }
  const { renew } = URLSearchParams;
  delete URLSearchParams.renew;

  class URL {
    #url;
    #params;

    constructor(input, base) {
      this.#url = parse(String(input), base === undefined ? null : parse(String(base), null));
      this.#params = new URLSearchParams(this.#url.query ?? "");
      changed.set(this.#params, (text) => void (this.#url.query = text || null));
    }
    static canParse(input, base) {
      return URL.parse(input, base) !== null;
    }
    static parse(input, base) {
      try {
        return new URL(input, base);
      } catch {
        return null;
      }
    }
    get href() {
      return written(this.#url);
    }
    set href(text) {
      this.#url = parse(String(text), null);
      renew(this.#params, this.#url.query ?? "");
    }
    get origin() {
      const { protocol } = this.#url;
      return special(protocol) && protocol !== "file:" ? `${protocol}//${this.host}` : "null";
    }
    get protocol() {
      return this.#url.protocol;
    }
    set protocol(text) {
      const found = /^([a-z][a-z0-9+.-]*):?/i.exec(String(text));
      if (found && special(`${found[1].toLowerCase()}:`) === special(this.protocol)) {
        this.#url.protocol = `${found[1].toLowerCase()}:`;
        if (this.#url.port === PORTS[this.protocol]) this.#url.port = "";
      }
    }
    get username() {
      return this.#url.username;
    }
    set username(text) {
      if (this.#url.host) this.#url.username = escaped(String(text), USER);
    }
    get password() {
      return this.#url.password;
    }
    set password(text) {
      if (this.#url.host) this.#url.password = escaped(String(text), USER);
    }
    get host() {
      return `${this.hostname}${this.#url.port ? `:${this.#url.port}` : ""}`;
    }
    set host(text) {
      const found = /^(\[[^\]]*\]|[^:/?#\\]*)(?::(\d*))?/.exec(String(text));
      this.hostname = found[1];
      if (found[2]) this.port = found[2];
    }
    get hostname() {
      return this.#url.host ?? "";
    }
    set hostname(text) {
      if (this.#url.opaque !== null) return;
      try {
        this.#url.host = hostOf(/^(\[[^\]]*\]|[^:/?#\\]*)/.exec(String(text))[1], this.protocol, String(text));
      } catch {
        // what is no host changes nothing, as the standard wants it
      }
    }
    get port() {
      return this.#url.port;
    }
    set port(text) {
      const digits = /^\d*/.exec(String(text))[0];
      if (this.#url.host && (digits || String(text) === "") && Number(digits) <= 65535) setPort(this.#url, digits, digits);
    }
    get pathname() {
      return pathOf(this.#url);
    }
    set pathname(text) {
      if (this.#url.opaque !== null) return;
      const path = String(text).replace(special(this.protocol) ? /^[/\\]/ : /^\//, "");
      const parts = segments(path, [], special(this.protocol), this.protocol === "file:");
      this.#url.path = parts.map((one) => one.replace(/[?#]/g, (mark) => hex(mark.charCodeAt(0))));
    }
    get search() {
      return this.#url.query ? `?${this.#url.query}` : "";
    }
    set search(text) {
      const query = String(text).replace(/^\?/, "");
      this.#url.query = query === "" ? null : escaped(query, special(this.protocol) ? `${QUERY}'` : QUERY);
      renew(this.#params, this.#url.query ?? "");
    }
    get searchParams() {
      return this.#params;
    }
    get hash() {
      return this.#url.fragment ? `#${this.#url.fragment}` : "";
    }
    set hash(text) {
      const fragment = String(text).replace(/^#/, "");
      this.#url.fragment = fragment === "" ? null : escaped(fragment, FRAGMENT);
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }

  for (const [name, value] of Object.entries({ URL, URLSearchParams })) {
    Object.defineProperty(value.prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
  kit.globals({ URL, URLSearchParams });
};
