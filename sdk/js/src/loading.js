// The plugin's files: CommonJS where that parses, ES modules where it does not.
kit.loading = () => {
  const READ = 0;
  const KIT = Symbol.for("omnicore:kit"); // how the module "omnicore" finds it, while a plugin is built
  const cache = new Map();

  function ask(question, from, name) {
    if (!native.building()) throw new ReferenceError(`${name}: modules are loaded while a plugin is built`);
    const request = native.write(`${question}\0${from}\0${name}`);
    const reply = native.host(READ, "I:I", request);
    native.free(request);
    const said = native.readText(reply);
    native.free(reply);
    if (said.startsWith("!")) throw new ReferenceError(said.slice(1));
    return said.slice(1);
  }

  function required(from, name) {
    const path = ask("find", from, name);
    if (path === "omnicore") return kit.nouns;
    const held = cache.get(path);
    if (held) return held.exports;
    const source = ask("text", "", path);
    if (path.endsWith(".json")) {
      const value = JSON.parse(source);
      cache.set(path, { exports: value });
      return value;
    }
    return common(path, native.function(path, source));
  }

  function common(path, body) {
    const module = { exports: {}, id: path, filename: path, loaded: false };
    cache.set(path, module);
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
    body.call(module.exports, module.exports, (name) => required(path, String(name)), module, path, folder);
    module.loaded = true;
    return module.exports;
  }

  kit.text = (name) => ask("text", "", name);
  kit.mentioned = () => JSON.parse(ask("mentioned", "", ""));

  const looksLikeModule = (source) => /^\s*(import|export)\b/m.test(source);

  function parsed(name, source) {
    if (name.endsWith(".mjs")) return null;
    try {
      return native.function(name, source.replace(/^#!.*/, ""));
    } catch (error) {
      if (name.endsWith(".cjs") || !(error instanceof SyntaxError)) throw error;
      kit.unparsed = error;
      return null;
    }
  }

  // In a list, because a plugin may export a function `then`, which a promise would call.
  kit.load = async (name, source) => {
    globalThis[KIT] = kit;
    const body = parsed(name, source);
    if (body) return [common(name, body)];
    let module;
    try {
      module = native.run(name, source);
    } catch (error) {
      throw looksLikeModule(source) ? error : kit.unparsed;
    }
    await module[1];
    return [module[0]];
  };

  kit.unload = () => {
    cache.clear();
    delete globalThis[KIT];
  };
};
