// What a caller reads of an error: its text, its causes and where it was thrown, in the author's own files.
kit.errors = () => {
  const DEPTH = 5;
  kit.map = null;

  // `kit.map` holds sources and, for each stretch of a bundle, [line, column, source, line, column], in order.
  function original(line, column) {
    const { sources, stretches } = kit.map;
    let low = 0;
    let high = stretches.length / 5;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = middle * 5;
      const after = stretches[at] > line || (stretches[at] === line && stretches[at + 1] > column);
      if (after) high = middle;
      else low = middle + 1;
    }
    const at = (low - 1) * 5;
    if (low === 0 || stretches[at] !== line || stretches[at + 2] < 0) return null;
    return `${sources[stretches[at + 2]]}:${stretches[at + 3]}:${stretches[at + 4]}`;
  }

  function mapped(stack) {
    if (kit.map === null) return stack;
    return stack.replace(/\b([\w.-]+):(\d+):(\d+)/g, (whole, name, line, column) => {
      return name === kit.map.name ? (original(Number(line), Number(column)) ?? whole) : whole;
    });
  }

  // Frames of the engine itself say nothing to an author.
  const own = (line) => line.trim() && !/<prelude>|<build>|\(native\)/.test(line);

  function one(error) {
    if (!(error instanceof Error)) return typeof error === "string" ? error : thing(error);
    const head = String(error.message) ? `${error.name}: ${error.message}` : String(error.name);
    const frames = mapped(String(error.stack ?? "")).split("\n").filter(own);
    return [head, ...frames.map((line) => `    ${line.trim()}`)].join("\n");
  }

  function thing(value) {
    if (value === null || typeof value !== "object") return `thrown: ${String(value)}`;
    if (typeof value.message === "string") return value.message;
    try {
      return `thrown: ${JSON.stringify(value)}`;
    } catch {
      return "thrown: an object";
    }
  }

  kit.explain = (error) => {
    const lines = [one(error)];
    let cause = error?.cause;
    for (let depth = 0; cause !== undefined && depth < DEPTH; depth++, cause = cause?.cause) {
      lines.push(`caused by ${one(cause)}`);
    }
    return lines.join("\n").toWellFormed();
  };
};
