import { InterpretingValidator } from "./validator";

/** The validator of all forms. vite.config.ts puts it where the form library names the one that compiles. */
export default new InterpretingValidator<unknown, object>();
