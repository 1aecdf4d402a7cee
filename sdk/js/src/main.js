// Put together by the builder as `(function (native) { ... })`: each file of this folder is a function of `kit`, run in
// the order that omnicore/toolchains/js/engine.py gives. What they share lies in `kit`; plugins see only the globals they set.

// How a plugin is loaded, and how its functions are called.
kit.main = () => {
  const functions = [];
  let call = null; // the call that runs: whether it spoke through Host, and wrote its output there

  kit.current = () => call;
  kit.functions = functions;

  const name = (fn) => (/^[A-Za-z_$][\w$]*$/.test(fn.name) && fn.name !== "default" ? fn.name : "execute");

  function found(exports) {
    if (typeof exports === "function") return { [name(exports)]: exports, ...found({ ...exports }) };
    const all = {};
    for (const key of exports === null || typeof exports !== "object" ? [] : Object.keys(exports)) {
      const value = exports[key];
      if (key === "default" && typeof value === "object") Object.assign(all, found(value));
      else if (typeof value === "function") all[key === "default" ? name(value) : key] = value;
    }
    return all;
  }

  // `module.exports = class ...` and constructors are no functions of a plugin.
  const plain = (fn) => !/^class\b/.test(Function.prototype.toString.call(fn));

  async function build({ name, source, doors, settings, types, only, map, rare }) {
    kit.doors = doors;
    kit.map = map;
    const offered = Object.entries(rare).flatMap(([file, names]) => names.map((one) => kit.offer(file, one)));
    const [exports] = await kit.load(name, source);
    for (const file of kit.mentioned()) kit.take(file);
    for (const withdraw of offered) withdraw();
    for (const [key, fn] of Object.entries(found(exports))) {
      if (!plain(fn) || (only && !only.includes(key))) continue;
      functions.push({ name: key, fn, ...kit.shape(fn, settings[key], types[key], only !== null) });
    }
    functions.sort((one, other) => (one.name < other.name ? -1 : 1));
    return JSON.stringify({ functions: functions.map(({ name, spec }) => ({ name, spec })) });
  }

  // The last step of a build: from here on, clock and random numbers are the host's.
  function bind({ bound, clock, random }) {
    kit.bound = new Set(bound);
    kit.timed = clock;
    kit.forget();
    kit.unload();
    native.live(clock, random);
    return "";
  }

  function start(index) {
    const { fn, takes } = functions[index];
    call = { spoke: false, wrote: false };
    return takes === null ? fn() : fn(kit.input(takes));
  }

  function conclude(index, value) {
    const { gives, code } = functions[index];
    if (code || (call.spoke && gives === null && (typeof value === "number" || value === undefined))) {
      return typeof value === "number" ? value : 0;
    }
    if (!call.wrote || value !== undefined) kit.output(gives, value);
    return 0;
  }

  function reset() {
    call = null;
    kit.forget();
    kit.quiet();
  }

  return { build, bind, start, conclude, reset, tick: kit.tick, explain: kit.explain };
};
