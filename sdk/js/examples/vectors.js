// Keeps points of a plane and finds the nearest.
import { vectors } from "omnicore";

export function keep(points) {
  vectors.create("points", 2, { metric: "l2" });
  return vectors.upsert("points", points.map(({ id, x, y }) => ({ id, values: [x, y] })));
}

export const near = ({ x, y }) => vectors.search("points", [x, y], { limit: 3 }).matches.map((match) => match.id);
