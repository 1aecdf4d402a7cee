import "@testing-library/jest-dom/vitest";

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

import { AREAS, loadTexts } from "./texts/load";

// jsdom has none of these, and antd asks for them.
window.matchMedia = (query: string) =>
  Object.assign(new EventTarget(), {
    media: query,
    matches: false,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined,
  }) as MediaQueryList;
window.ResizeObserver = class {
  observe() {
    // nothing changes its size here
  }
  unobserve() {
    // as above
  }
  disconnect() {
    // as above
  }
};

afterEach(cleanup);

await loadTexts(...AREAS);
