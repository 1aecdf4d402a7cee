import type { Problem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";

// What is behind `#` stays in the browser, which sends it nowhere.

/** The key in the link that `omnicore run` printed. */
export function keyOfHash(hash: string): string {
  return parts(hash).get("key") ?? "";
}

/** Why the way through another service did not lead in; it sends the browser back with a code. */
export function problemOfHash(hash: string): Problem | undefined {
  const code = parts(hash).get("problem");
  if (!code || !/^[a-z-]{1,60}$/.test(code)) return undefined;
  const { providerFailed, providerRemedies, providerRemedy } = texts.session;
  const known = Object.hasOwn(providerRemedies, code) ? providerRemedies[code] : undefined;
  return { status: 0, code, fact: providerFailed, remedy: known ?? providerRemedy, details: {} };
}

function parts(hash: string): URLSearchParams {
  return new URLSearchParams(hash.slice(1));
}
