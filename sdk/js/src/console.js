// console, into the plugin's log.
kit.console = () => {
  const LOG = 4; // slots of log_trace, log_debug, log_info, log_warn, log_error follow each other
  const LEVELS = { trace: 0, debug: 1, log: 2, info: 2, warn: 3, error: 4 };
  const DEPTH = 4;
  const MOST = 100;

  function shown(value, depth, seen) {
    if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") return value.toString();
    if (typeof value === "function") return `[Function ${value.name || "(anonymous)"}]`;
    if (value === null || typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
    if (seen.has(value)) return "[Circular]";
    if (value instanceof Error) return kit.explain(value);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
    if (depth >= DEPTH) return Array.isArray(value) ? "[Array]" : "[Object]";
    return contents(value, depth + 1, new Set(seen).add(value));
  }

  function list(items, open, close) {
    const more = items.length > MOST ? [`... ${items.length - MOST} more`] : [];
    const shown = [...items.slice(0, MOST), ...more].join(", ");
    return open.endsWith("{") && shown ? `${open} ${shown} ${close}` : open + shown + close;
  }

  function contents(value, depth, seen) {
    const show = (one) => shown(one, depth, seen);
    if (Array.isArray(value) || ArrayBuffer.isView(value)) {
      const name = Array.isArray(value) ? "" : `${value.constructor.name}(${value.length ?? value.byteLength}) `;
      return list(Array.from(value.slice?.(0, MOST + 1) ?? [], show), `${name}[`, "]");
    }
    if (value instanceof Map) return list(Array.from(value, ([key, one]) => `${show(key)} => ${show(one)}`), "Map {", "}");
    if (value instanceof Set) return list(Array.from(value, show), "Set {", "}");
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    const pairs = Object.keys(value).map((key) => `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${show(value[key])}`);
    return list(pairs, name && name !== "Object" ? `${name} {` : "{", "}");
  }

  function format(given) {
    if (typeof given[0] !== "string" || !given[0].includes("%")) return given.map((one) => shown(one, 0, new Set())).join(" ");
    let at = 1;
    const text = given[0].replace(/%([sdifoOjc%])/g, (whole, kind) => {
      if (kind === "%") return "%";
      if (at >= given.length) return whole;
      const value = given[at++];
      if (kind === "d" || kind === "i") return String(kind === "i" ? Math.trunc(value) : Number(value));
      if (kind === "f") return String(Number(value));
      if (kind === "c") return "";
      return kind === "j" ? JSON.stringify(value) : shown(value, kind === "s" ? 0 : 1, new Set());
    });
    return [text, ...given.slice(at).map((one) => shown(one, 0, new Set()))].join(" ");
  }

  function write(level, given) {
    if (kit.bound !== null && !kit.bound.has(LOG + level)) return;
    const text = indent + format(given).toWellFormed();
    native.host(LOG + level, "I:", native.write((indent && text.includes("\n") ? text.replaceAll("\n", `\n${indent}`) : text) || " "));
  }

  let indent = "";
  const console = Object.fromEntries(
    Object.entries(LEVELS).map(([name, level]) => [name, (...given) => write(level, given)]),
  );
  console.assert = (fact, ...given) => void (fact || console.error("Assertion failed", ...given));
  console.dir = (value) => console.log(value);
  console.dirxml = console.log;
  console.group = console.groupCollapsed = (...given) => {
    if (given.length) console.log(...given);
    indent += "  ";
  };
  console.groupEnd = () => void (indent = indent.slice(2));

  const counts = new Map();
  console.count = (label = "default") => {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    console.log(`${label}: ${counts.get(label)}`);
  };
  console.countReset = (label = "default") => {
    if (!counts.delete(label)) console.warn(`Count for '${label}' does not exist`);
  };

  const timers = new Map();
  console.time = (label = "default") => {
    if (timers.has(label)) console.warn(`Timer '${label}' already exists`);
    else timers.set(label, kit.timed ? performance.now() : 0); // where it cannot be asked for, it never ends
  };
  console.timeLog = (label = "default", ...given) => {
    if (timers.has(label)) console.log(`${label}: ${(performance.now() - timers.get(label)).toFixed(3)} ms`, ...given);
    else console.warn(`Timer '${label}' does not exist`);
  };
  console.timeEnd = (label = "default") => {
    console.timeLog(label);
    timers.delete(label);
  };

  // Rows of an array, an object, a Map or a Set, as Node draws them.
  console.table = (data, wanted) => {
    if (data === null || typeof data !== "object") return console.log(data);
    const keyed = data instanceof Map || data instanceof Set ? Array.from(data).entries() : Object.entries(data);
    const rows = Array.from(keyed).slice(0, MOST);
    const open = (value) => value !== null && typeof value === "object";
    const names = wanted ?? [...new Set(rows.flatMap(([, value]) => (open(value) ? Object.keys(value) : [])))];
    const bare = wanted === undefined && rows.some(([, value]) => !open(value));
    const text = (value) => shown(value, DEPTH - 1, new Set());
    const cells = ([key, value]) => [
      String(key),
      ...names.map((name) => (open(value) && Object.hasOwn(value, name) ? text(value[name]) : "")),
      ...(bare ? [open(value) ? "" : text(value)] : []),
    ];
    const lines = [["(index)", ...names.map(String), ...(bare ? ["Values"] : [])], ...rows.map(cells)];
    const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => line[at].length)) + 2);
    const rule = (left, middle, right) => left + widths.map((width) => "─".repeat(width)).join(middle) + right;
    const drawn = lines.map((line) => `│${line.map((cell, at) => ` ${cell}`.padEnd(widths[at])).join("│")}│`);
    const table = [rule("┌", "┬", "┐"), drawn[0], rule("├", "┼", "┤"), ...drawn.slice(1), rule("└", "┴", "┘")];
    console.log(table.join("\n"));
  };

  kit.quiet = () => {
    indent = "";
  };
  kit.globals({ console });
};
