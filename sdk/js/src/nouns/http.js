// Made from specs/doors by `python -m sdk.generate`; change it there.
// Send HTTP requests.
nouns.http = {
  // Sends a request and waits for the whole answer.
  fetch(url, options = {}) {
    if (options.body !== undefined) options = { ...options, body: kit.toWire(options.body) };
    const reply = kit.ask("http_fetch_v1", { url, ...options });
    return { ...reply, body: kit.fromWire(reply.body) };
  },
};
