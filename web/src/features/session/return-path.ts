/** Where to go after logging in: a path of the console, never another site. */
export function returnPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
