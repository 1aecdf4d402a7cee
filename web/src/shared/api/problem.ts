import { texts } from "@/shared/texts";

/** Why a request failed, and what to do about it. Every request's `error` is one. */
export interface Problem {
  /** The HTTP status; 0 when no answer came. */
  status: number;
  /** Stable, made for programs. */
  code: string;
  fact: string;
  remedy: string;
  /** The document as it came, for what one code adds. */
  details: Record<string, unknown>;
}

interface Failure {
  status: number | string;
  data?: unknown;
  error?: string;
}

const word = (value: unknown, otherwise = "") => (typeof value === "string" && value ? value : otherwise);

/** Reads what fetchBaseQuery calls an error, whoever answered: the host, a proxy or nobody. */
export function problemOf(failure: Failure, status?: number): Problem {
  const known = typeof failure.status === "number" ? failure.status : (status ?? 0);
  const isDocument = typeof failure.data === "object" && failure.data !== null && "detail" in failure.data;
  if (isDocument) {
    const details = failure.data as Record<string, unknown>;
    return {
      status: known,
      code: word(details["code"], "failed"),
      fact: word(details["detail"], texts.problems.failed(known)),
      remedy: word(details["remedy"]),
      details,
    };
  }
  if (known === 0) {
    return { status: 0, code: "no-answer", ...texts.problems.noAnswer, details: {} };
  }
  return {
    status: known,
    code: "failed",
    fact: texts.problems.failed(known),
    remedy: texts.problems.failedRemedy,
    details: {},
  };
}

/** A problem from anything that was thrown or rejected. */
export function asProblem(error: unknown): Problem {
  if (typeof error === "object" && error !== null && "fact" in error) return error as Problem;
  const fact = error instanceof Error ? error.message : texts.problems.unknown;
  return { status: 0, code: "unknown", fact, remedy: texts.problems.unknownRemedy, details: {} };
}

/** What is wrong with one field of a form, when the host says that it is that one. */
export function problemAt(error: unknown, field: string): string | undefined {
  if (error === undefined || error === null) return undefined;
  const { fact, remedy, details } = asProblem(error);
  return details["path"] === field ? said(fact, remedy) : undefined;
}

/** Whether the host's words belong to one of these fields, so that no notice has to repeat them. */
export function isAt(error: unknown, ...fields: string[]): boolean {
  return fields.some((field) => problemAt(error, field) !== undefined);
}

/** Fact and remedy in one line: `It cannot be -3: it takes at least 0.` */
export function said(fact: string, remedy: string): string {
  const line = remedy ? `${fact}: ${remedy}` : fact;
  return `${begun(line)}.`;
}

/** The host's facts begin small, as parts of a line of a log. A name of a file, such as `orders.wasm`, stays as it is. */
export function begun(text: string): string {
  return /^[a-z]+(?=[\s,;:]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
