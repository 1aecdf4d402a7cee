// What URLs are made of: escapes, hosts, addresses. Source: URL standard; names beyond ASCII become Punycode.
kit.hosts = () => {
  const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
  const special = (protocol) => Object.hasOwn(PORTS, protocol);
  const hex = (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;

  function escaped(text, keep) {
    let out = "";
    for (const one of text.toWellFormed()) {
      const plain = one >= " " && one <= "~" && !keep.includes(one);
      out += plain ? one : Array.from(native.encode(one), hex).join("");
    }
    return out;
  }

  const FRAGMENT = ' "<>`';
  const QUERY = ' "#<>';
  const PATH = `${QUERY}?^\`{}`;
  const USER = `${PATH}/:;=@[\\]|`;

  function unescaped(text) {
    const bytes = [];
    for (const part of text.match(/%[0-9a-fA-F]{2}|[^]/gu) ?? []) {
      if (/^%[0-9a-fA-F]{2}$/.test(part)) bytes.push(parseInt(part.slice(1), 16));
      else bytes.push(...native.encode(part.toWellFormed()));
    }
    return native.decode(new Uint8Array(bytes));
  }

  const invalid = (text) => new TypeError(`Invalid URL: ${text.slice(0, 200)}`);

  // Punycode. Source: RFC 3492.
  function punycode(label) {
    const points = Array.from(label, (one) => one.codePointAt(0));
    const basic = points.filter((one) => one < 128);
    let out = String.fromCodePoint(...basic) + (basic.length ? "-" : "");
    let [n, delta, bias, done] = [128, 0, 72, basic.length];
    const adapt = (first) => {
      delta = Math.floor(delta / (first ? 700 : 2));
      delta += Math.floor(delta / (done + 1));
      let k = 0;
      for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
      return k + Math.floor((36 * delta) / (delta + 38));
    };
    while (done < points.length) {
      const next = Math.min(...points.filter((one) => one >= n));
      delta += (next - n) * (done + 1);
      n = next;
      for (const point of points) {
        if (point < n) delta++;
        if (point !== n) continue;
        let q = delta;
        for (let k = 36; ; k += 36) {
          const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
          const digit = q < t ? q : t + ((q - t) % (36 - t));
          out += String.fromCharCode(digit < 26 ? digit + 97 : digit + 22);
          if (q < t) break;
          q = Math.floor((q - t) / (36 - t));
        }
        bias = adapt(done === basic.length);
        delta = 0;
        done++;
      }
      delta++;
      n++;
    }
    return `xn--${out}`;
  }

  // A host that ends in a number is an IPv4 address in one of its many spellings.
  function ipv4(host, whole) {
    const parts = host.replace(/\.$/, "").split(".");
    if (!/^(?:\d+|0x[0-9a-f]*)$/i.test(parts.at(-1))) return null;
    if (parts.length > 4) throw invalid(whole);
    const numbers = parts.map((part) => {
      if (!/^(?:0x[0-9a-f]*|0[0-7]*|[1-9]\d*)$/i.test(part)) throw invalid(whole);
      if (/^0x/i.test(part)) return parseInt(part.slice(2) || "0", 16);
      return parseInt(part, part.length > 1 && part[0] === "0" ? 8 : 10);
    });
    const last = numbers.pop();
    if (numbers.some((one) => one > 255) || last >= 256 ** (4 - numbers.length)) throw invalid(whole);
    const value = numbers.reduce((sum, one, at) => sum + one * 256 ** (3 - at), last);
    return [24, 16, 8, 0].map((by) => Math.floor(value / 2 ** by) % 256).join(".");
  }

  function ipv6(text, whole) {
    const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
    if (dotted) {
      const [a, b, c, d] = dotted.slice(2).map(Number);
      if ([a, b, c, d].some((one) => one > 255)) throw invalid(whole);
      text = `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    }
    const sides = text.split("::");
    const groups = sides.map((side) => (side ? side.split(":") : []));
    const count = groups.flat().length;
    if (sides.length > 2 || groups.flat().some((one) => !/^[0-9a-f]{1,4}$/i.test(one))) throw invalid(whole);
    if (sides.length === 1 ? count !== 8 : count > 7) throw invalid(whole);
    const fill = sides.length === 2 ? new Array(8 - count).fill("0") : [];
    const all = [...groups[0], ...fill, ...(groups[1] ?? [])].map((one) => parseInt(one, 16).toString(16));
    const zeros = all.join(":").match(/\b0(?::0\b)+/g)?.sort((one, other) => other.length - one.length)[0];
    const joined = all.join(":");
    if (!zeros) return `[${joined}]`;
    const at = joined.search(new RegExp(`(?:^|(?<=:))${zeros}(?=:|$)`));
    return `[${joined.slice(0, at).replace(/:$/, "")}::${joined.slice(at + zeros.length).replace(/^:/, "")}]`;
  }

  function hostOf(text, protocol, whole) {
    if (text.startsWith("[")) {
      if (!text.endsWith("]")) throw invalid(whole);
      return ipv6(text.slice(1, -1), whole);
    }
    if (!special(protocol)) {
      if (/[\0\t\n\r #/<>?@[\\\]^|]/.test(text)) throw invalid(whole);
      return escaped(text, "");
    }
    const plain = unescaped(text).normalize("NFKC").toLowerCase();
    const labels = plain.split(/[.。．｡]/).map((one) => (/[^\0-\x7f]/.test(one) ? punycode(one) : one));
    const host = labels.join(".");
    if (host === "" || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(host)) {
      if (host === "" && protocol === "file:") return "";
      throw invalid(whole);
    }
    return ipv4(host, whole) ?? host;
  }

  kit.places = { PORTS, special, hex, escaped, FRAGMENT, QUERY, PATH, USER, unescaped, invalid, hostOf };
};
