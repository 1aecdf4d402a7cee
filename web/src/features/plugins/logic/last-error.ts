import type { Plugin } from "./review";

export interface LastError {
  code: string;
  message: string;
  remedy: string;
  at: number | null;
}

/** The last failure of a call, if there was one. */
export function lastError({ last_error: error }: Plugin): LastError | undefined {
  if (!error) return undefined;
  const { code, message, remedy, at } = error;
  return {
    code: word(code),
    message: word(message),
    remedy: word(remedy),
    at: typeof at === "number" ? at : null,
  };
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}
