const written = document.querySelector<HTMLMetaElement>('meta[name="omnicore-prefix"]')?.content ?? "";

/** What stands before every path of this host, such as "/omni"; empty unless it is mounted below a path. */
export const prefix = written.startsWith("/") ? written : "";

/** The whole address of a path of this host. */
export function addressOf(path: string): string {
  return `${window.location.origin}${prefix}${path}`;
}
