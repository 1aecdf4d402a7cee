// Where Extism's kit for JavaScript differs from browsers, sources that speak through `Host` are served as it serves
// them: microtasks that are queued by name run at once, and an unknown digest is refused before there is a promise.
(function (kit) {
  kit.globals({ queueMicrotask: (fn) => void fn() });
  kit.hurried = true;
})
