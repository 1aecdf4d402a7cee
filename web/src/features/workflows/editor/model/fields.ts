import type { texts } from "@/shared/texts";

import type { Path } from "./path";
import type { Task } from "./tasks";

type Words = typeof texts.workflowsEditor.forms.fields;

export type FieldEditor =
  | "text"
  | "long"
  | "code"
  | "expression"
  | "number"
  | "flag"
  | "choice"
  | "duration"
  | "pairs"
  | "yaml"
  | "cases"
  | "then"
  | "events"
  | "form"
  | "webhook";

/** A member of a task, and how it is changed. */
export interface FieldSpec {
  label: keyof Words;
  path: Path;
  editor: FieldEditor;
  hint?: keyof Words;
  choices?: readonly string[];
  /** A choice that can be taken back. */
  mayLack?: boolean;
  /** What it is when nothing is written. */
  usual?: string | number | boolean;
}

const field = (
  label: keyof Words,
  path: string,
  editor: FieldEditor,
  more: Partial<FieldSpec> = {},
): FieldSpec => ({
  label,
  path: path.split("."),
  editor,
  ...more,
});

/** What the specification's types of errors begin with. */
export const ERRORS = "https://serverlessworkflow.io/spec/1.0.0/errors/";
const ERROR_TYPES = [
  "configuration",
  "validation",
  "expression",
  "authentication",
  "authorization",
  "timeout",
  "communication",
  "runtime",
].map((name) => `${ERRORS}${name}`);
const METHODS = ["get", "post", "put", "patch", "delete", "head"] as const;

const OWN: Partial<Record<string, FieldSpec[]>> = {
  set: [field("set", "set", "pairs")],
  switch: [field("then", "switch", "cases")],
  for: [
    field("in", "for.in", "expression"),
    field("each", "for.each", "text", { usual: "item" }),
    field("at", "for.at", "text", { usual: "index" }),
    field("while", "while", "expression"),
    field("atOnce", "host.concurrency", "number", { usual: 1 }),
    field("collect", "host.collect", "flag", { usual: true }),
  ],
  fork: [
    field("compete", "fork.compete", "flag", { usual: false }),
    field("atOnce", "host.concurrency", "number"),
  ],
  try: [
    field("catchType", "catch.errors.with.type", "choice", { choices: ERROR_TYPES, mayLack: true }),
    field("catchStatus", "catch.errors.with.status", "number"),
    field("catchWhen", "catch.when", "expression"),
    field("catchAs", "catch.as", "text", { usual: "error" }),
  ],
  raise: [
    field("errorType", "raise.error.type", "choice", { choices: ERROR_TYPES }),
    field("status", "raise.error.status", "number"),
    field("errorTitle", "raise.error.title", "expression"),
    field("detail", "raise.error.detail", "expression"),
  ],
  wait: [field("wait", "wait", "duration", { hint: "duration" }), field("until", "host.until", "expression")],
  emit: [
    field("eventType", "emit.event.with.type", "text"),
    field("eventSource", "emit.event.with.source", "text"),
    field("eventData", "emit.event.with.data", "yaml"),
  ],
  listen: [field("listenTo", "listen.to", "events")],
  run: [
    field("workflow", "run.workflow.name", "text"),
    field("namespace", "run.workflow.namespace", "text", { usual: "default" }),
    field("version", "run.workflow.version", "text", { usual: "latest" }),
    field("input", "run.workflow.input", "yaml"),
    field("await", "run.await", "flag", { usual: true }),
  ],
  script: [
    field("language", "run.script.language", "choice", { choices: ["js", "python"] }),
    field("code", "run.script.code", "code"),
    field("arguments", "run.script.arguments", "pairs"),
  ],
  http: [
    field("method", "with.method", "choice", { choices: METHODS }),
    field("endpoint", "with.endpoint", "expression"),
    field("query", "with.query", "pairs"),
    field("headers", "with.headers", "pairs"),
    field("body", "with.body", "yaml"),
    field("answer", "with.output", "choice", { choices: ["content", "response", "raw"], usual: "content" }),
  ],
  openapi: [
    field("document", "with.document.endpoint", "text"),
    field("operation", "with.operationId", "text"),
    field("parameters", "with.parameters", "pairs"),
    field("answer", "with.output", "choice", { choices: ["content", "response", "raw"], usual: "content" }),
  ],
  ask: [
    field("title", "host.approval.title", "expression"),
    field("text", "host.approval.text", "long"),
    field("role", "host.approval.role", "choice", {
      choices: ["viewer", "operator", "admin"],
      usual: "operator",
    }),
    field("deadline", "host.approval.deadline", "duration", { hint: "duration" }),
    field("late", "host.approval.late", "choice", { choices: ["fail", "approve", "reject"], usual: "fail" }),
    field("form", "host.approval.form", "form"),
  ],
};

/** The fields of what a task does. */
export function ownFields({ kind, value }: Task): FieldSpec[] {
  const ref = value["call"];
  const name = kind === "call" && typeof ref === "string" && ["http", "openapi"].includes(ref) ? ref : kind;
  return OWN[name] ?? [];
}

export const DATA_FIELDS: readonly FieldSpec[] = [
  field("inputFrom", "input.from", "expression", { hint: "inputFromHint" }),
  field("outputAs", "output.as", "expression", { hint: "outputAsHint" }),
  field("exportAs", "export.as", "expression"),
];

export const ORDER_FIELDS: readonly FieldSpec[] = [
  field("if", "if", "expression", { hint: "ifHint" }),
  field("then", "then", "then"),
];

export const ERROR_FIELDS: readonly FieldSpec[] = [
  field("timeout", "timeout.after", "duration", { hint: "duration" }),
  field("onError", "host.onError", "choice", { choices: ["fail", "continue"], usual: "fail" }),
  field("retries", "host.retry.limit.attempt.count", "number"),
  field("delay", "host.retry.delay", "duration"),
];

export const BACKOFFS = ["constant", "linear", "exponential"] as const;

export const TRIGGER_FIELDS: Record<string, readonly FieldSpec[]> = {
  cron: [
    field("cron", "cron", "text"),
    field("timezone", "timezone", "text", { usual: "UTC" }),
    field("missed", "missed", "choice", { choices: ["skip", "one", "all"], usual: "one" }),
    field("input", "input", "yaml"),
  ],
  every: [field("every", "every", "duration", { hint: "duration" }), field("input", "input", "yaml")],
  webhook: [
    field("webhook", "webhook", "webhook"),
    field("respond", "respond", "choice", { choices: ["accepted", "result"], usual: "accepted" }),
    field("timeout", "timeout", "duration", { hint: "duration" }),
  ],
  event: [field("listenTo", "event", "events")],
  connector: [field("connector", "connector", "text"), field("event", "event", "text")],
  other: [],
};

export const ROOT_FIELDS: readonly FieldSpec[] = [
  field("workflowName", "document.name", "text"),
  field("workflowTitle", "document.title", "text"),
  field("summary", "document.summary", "long"),
  field("version", "document.version", "text"),
  field("inputSchema", "input.schema.document", "yaml", { hint: "inputSchemaHint" }),
];

export const LIMIT_FIELDS: readonly FieldSpec[] = [
  field("timeout", "timeout.after", "duration", { hint: "duration" }),
  field("key", "host.concurrency.key", "expression"),
  field("most", "host.concurrency.most", "number"),
  field("full", "host.concurrency.full", "choice", { choices: ["wait", "refuse", "cancel"], usual: "wait" }),
  field("priority", "host.priority", "number", { usual: 4 }),
];
