/** A candidate with the one it was made of; -1 for the first. */
interface Descendant {
  number: number;
  parent: number;
}

/** The candidate and those it comes from, the first one first. A page that is not loaded yet ends it. */
export function lineage<Kind extends Descendant>(all: Kind[], number: number): Kind[] {
  const byNumber = new Map(all.map((one) => [one.number, one]));
  const found: Kind[] = [];
  for (let one = byNumber.get(number); one && found.length <= all.length; one = byNumber.get(one.parent)) {
    found.unshift(one);
  }
  return found;
}
