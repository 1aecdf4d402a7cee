export { EditorPage as Component } from "./editor-page";
export { RunCanvas } from "./canvas/run-canvas";
