// Event, CustomEvent, EventTarget, AbortController and AbortSignal. Source: DOM standard, sections 2 and 3; there is no
// tree, so that an event goes to its target alone.
(function (kit) {
  const state = new WeakMap(); // of an event: what its target has to know

  class Event {
    constructor(type, { bubbles = false, cancelable = false, composed = false } = {}) {
      if (arguments.length === 0) throw new TypeError("an event takes a type");
      Object.assign(this, { type: String(type), bubbles: Boolean(bubbles), cancelable: Boolean(cancelable), composed: Boolean(composed) });
      Object.assign(this, { target: null, currentTarget: null, eventPhase: 0, isTrusted: false });
      this.timeStamp = kit.bound === null ? 0 : performance.now();
      state.set(this, { prevented: false, ended: false, passive: false, running: false });
    }
    get defaultPrevented() {
      return state.get(this).prevented;
    }
    preventDefault() {
      const now = state.get(this);
      if (this.cancelable && !now.passive) now.prevented = true;
    }
    stopPropagation() {}
    stopImmediatePropagation() {
      state.get(this).ended = true;
    }
    composedPath() {
      return this.currentTarget === null ? [] : [this.currentTarget];
    }
  }
  Object.assign(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });

  class CustomEvent extends Event {
    constructor(type, options = {}) {
      super(type, options);
      this.detail = options.detail ?? null;
    }
  }

  class EventTarget {
    #listeners = new Map();

    addEventListener(type, listener, options = {}) {
      if (listener === null || listener === undefined) return;
      const { capture = options === true, once = false, passive = false, signal } = Object(options);
      if (signal?.aborted) return;
      const held = this.#listeners.get(String(type)) ?? [];
      if (held.some((one) => one.listener === listener && one.capture === capture)) return;
      this.#listeners.set(String(type), [...held, { listener, capture, once, passive }]);
      signal?.addEventListener("abort", () => this.removeEventListener(type, listener, options));
    }
    removeEventListener(type, listener, options = {}) {
      const capture = typeof options === "boolean" ? options : Boolean(options?.capture);
      const held = this.#listeners.get(String(type)) ?? [];
      this.#listeners.set(String(type), held.filter((one) => one.listener !== listener || one.capture !== capture));
    }
    dispatchEvent(event) {
      const now = state.get(event);
      if (now === undefined) throw new TypeError("dispatchEvent takes an event");
      if (now.running) throw new DOMException("the event is being dispatched", "InvalidStateError");
      Object.assign(now, { running: true, ended: false });
      Object.assign(event, { target: this, currentTarget: this, eventPhase: Event.AT_TARGET });
      for (const one of this.#listeners.get(event.type) ?? []) {
        if (now.ended) break;
        if (!(this.#listeners.get(event.type) ?? []).includes(one)) continue; // taken away by one before
        if (one.once) this.removeEventListener(event.type, one.listener, one.capture);
        now.passive = one.passive;
        try {
          if (typeof one.listener === "function") one.listener.call(this, event);
          else one.listener.handleEvent(event);
        } catch (error) {
          kit.uncaught(error); // the others hear the event, then the call fails
        }
      }
      Object.assign(event, { currentTarget: null, eventPhase: Event.NONE });
      Object.assign(now, { running: false, passive: false });
      return !now.prevented;
    }
  }

  const MADE = Symbol("made by a controller");

  class AbortSignal extends EventTarget {
    onabort = null;
    #reason = undefined;

    constructor(given) {
      super();
      if (given !== MADE) throw new TypeError("Illegal constructor");
      this.addEventListener("abort", (event) => this.onabort?.(event));
    }
    get aborted() {
      return this.#reason !== undefined;
    }
    get reason() {
      return this.#reason;
    }
    throwIfAborted() {
      if (this.aborted) throw this.#reason;
    }
    static abort(reason) {
      const signal = new AbortSignal(MADE);
      end(signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new AbortSignal(MADE);
      setTimeout(() => end(signal, new DOMException("the time is up", "TimeoutError")), ms);
      return signal;
    }
    static any(signals) {
      const made = new AbortSignal(MADE);
      for (const one of signals) {
        if (one.aborted) end(made, one.reason);
        else one.addEventListener("abort", () => end(made, one.reason));
      }
      return made;
    }
    static end(signal, reason = new DOMException("the operation was aborted", "AbortError")) {
      if (signal.aborted) return;
      signal.#reason = reason;
      signal.dispatchEvent(new Event("abort"));
    }
  }
  const { end } = AbortSignal;
  delete AbortSignal.end;

  class AbortController {
    signal = new AbortSignal(MADE);

    abort(reason) {
      end(this.signal, reason);
    }
  }

  kit.globals({ Event, CustomEvent, EventTarget, AbortController, AbortSignal });
})
