import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import {
  createErrorHandler,
  type CustomValidator,
  type ErrorTransformer,
  type FormContextType,
  type RJSFSchema,
  type RJSFValidationError,
  toErrorSchema,
  type UiSchema,
  unwrapErrorHandler,
  type ValidationData,
  validationDataMerge,
  type ValidatorType,
} from "@rjsf/utils";

import { texts } from "@/shared/texts";

/** Keywords that only pass on what is wrong further in. */
const PASSING = new Set([
  "$ref",
  "allOf",
  "else",
  "if",
  "items",
  "patternProperties",
  "prefixItems",
  "properties",
  "then",
]);
const MISSING = /required property "(.*)"/;

/**
 * Checks form data by interpreting the schema. The usual validator compiles schemas to script, which the console's
 * content security policy forbids.
 */
export class InterpretingValidator<T, F extends FormContextType> implements ValidatorType<T, RJSFSchema, F> {
  validateFormData(
    formData: T | undefined,
    schema: RJSFSchema,
    customValidate?: CustomValidator<T, RJSFSchema, F>,
    transformErrors?: ErrorTransformer<T, RJSFSchema, F>,
    uiSchema?: UiSchema<T, RJSFSchema, F>,
  ): ValidationData<T> {
    const { errors: found, validationError } = this.rawValidation<RJSFValidationError>(schema, formData);
    let errors = found ?? [];
    if (validationError)
      errors = [...errors, { stack: validationError.message, message: validationError.message }];
    if (transformErrors) errors = transformErrors(errors, uiSchema);
    const own: ValidationData<T> = { errors, errorSchema: toErrorSchema<T>(errors) };
    if (!customValidate) return own;
    const handler = customValidate(formData, createErrorHandler<T>(formData as T), uiSchema, own.errorSchema);
    return validationDataMerge<T>(own, unwrapErrorHandler<T>(handler));
  }

  isValid(schema: RJSFSchema, formData: T | undefined, rootSchema: RJSFSchema): boolean {
    const { definitions, $defs } = rootSchema;
    const whole = { ...(definitions && { definitions }), ...($defs && { $defs }), ...schema };
    const { errors, validationError } = this.rawValidation(whole, formData);
    return !validationError && !errors?.length;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as the interface has it
  rawValidation<Result>(schema: RJSFSchema, formData?: T): { errors?: Result[]; validationError?: Error } {
    try {
      // It writes into the schema, and those of the API's cache are frozen.
      const validator = new Validator(structuredClone(schema) as Schema, "2020-12", false);
      const result = validator.validate(plain(formData));
      if (result.valid) return { errors: [] };
      const errors = result.errors.filter((unit) => !PASSING.has(unit.keyword)).map(errorOf);
      return { errors: errors as Result[] };
    } catch (error) {
      return { validationError: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}

/** Members that a form leaves undefined are not there, as in the JSON that is sent. */
function plain(data: unknown): unknown {
  return data === undefined ? {} : (JSON.parse(JSON.stringify(data)) as unknown);
}

function errorOf(unit: OutputUnit): RJSFValidationError {
  const path = unit.instanceLocation.split("/").slice(1).map(decoded);
  const missing = unit.keyword === "required" ? MISSING.exec(unit.error)?.[1] : undefined;
  if (missing !== undefined) path.push(missing);
  const property = path.map((part) => `.${part}`).join("");
  const message = missing === undefined ? unit.error : texts.session.required;
  return {
    name: unit.keyword,
    property,
    message,
    stack: `${property} ${message}`.trim(),
    schemaPath: unit.keywordLocation,
  };
}

function decoded(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
