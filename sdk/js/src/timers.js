// The time. Timers do not wait: while a function's promise is open and nothing else is to do, the next timer's time has come.
kit.timers = () => {
  let waiting = new Map();
  let next = 1;
  let now = 0;

  function set(fn, delay, given, repeat) {
    if (typeof fn !== "function") throw new TypeError("a timer takes a function");
    const wait = Math.max(repeat ? 1 : 0, Math.trunc(Number(delay)) || 0);
    waiting.set(next, { fn, given, due: now + wait, wait: repeat ? wait : 0, repeat });
    return next++;
  }

  // Fails the call with an error that nobody caught, the first of them, once the code that runs has ended.
  const later = queueMicrotask; // the engine's own
  let failing = null;
  kit.uncaught = (error) => {
    if (failing !== null) return console.error(error);
    const mine = (failing = {});
    later(() => {
      if (failing === mine) throw error; // else the call failed before, and this is another one
    });
  };

  const clear = (id) => void waiting.delete(Number(id));

  kit.tick = () => {
    let first = null;
    for (const [id, timer] of waiting) if (first === null || timer.due < waiting.get(first).due) first = id;
    if (first === null) return false;
    const timer = waiting.get(first);
    now = timer.due;
    waiting.delete(first);
    if (timer.repeat) waiting.set(first, { ...timer, due: now + timer.wait });
    timer.fn(...timer.given);
    return true;
  };

  kit.forget = () => {
    if (waiting.size) waiting = new Map();
    now = 0;
    failing = null;
  };

  // The engine's own `timeOrigin` is the time of the build.
  const since = performance.now.bind(performance);
  let origin;
  kit.globals({
    self: globalThis,
    performance: {
      now: () => since(),
      get timeOrigin() {
        if (kit.bound === null) return 0;
        return (origin ??= Date.now() - since());
      },
      toJSON() {
        return { timeOrigin: this.timeOrigin };
      },
    },
    setTimeout: (fn, delay, ...given) => set(fn, delay, given, false),
    setInterval: (fn, delay, ...given) => set(fn, delay, given, true),
    setImmediate: (fn, ...given) => set(fn, 0, given, false),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
};
