/** How a hash is called: enough of it to tell it from others. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}
