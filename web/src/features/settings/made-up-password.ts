// Without letters and digits that look like others.
const SIGNS = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 5;
const GROUP = 4;

/** A password of 100 random bits that can be read out. */
export function madeUpPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP));
  const signs = Array.from(bytes, (byte) => SIGNS[byte % SIGNS.length] ?? "");
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    signs.slice(index * GROUP, (index + 1) * GROUP),
  );
  return groups.map((group) => group.join("")).join("-");
}
