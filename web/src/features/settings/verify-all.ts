import type { Schemas } from "@/shared/api/types";

export type Verdict = Schemas["AuditVerdict"];

/**
 * Checks the whole record, request by request: one request checks for as long as it may take, and the next goes on
 * behind the last row that was read, which has to be the same then.
 */
export async function verifyAll(
  ask: (from: Schemas["AuditCheck"]) => Promise<Verdict>,
  onProgress: (so_far: Verdict) => void,
): Promise<Verdict> {
  let rows = 0;
  let from: Schemas["AuditCheck"] = {};
  for (;;) {
    const verdict = await ask(from);
    rows += verdict.rows;
    const soFar = { ...verdict, rows };
    if (!verdict.ok || verdict.complete || verdict.rows === 0) return soFar;
    onProgress(soFar);
    from = { after: verdict.last.seq };
  }
}
