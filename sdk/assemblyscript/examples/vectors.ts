// Finds the nearest colour. Needs a grant for vectors with the collection `colours`.

import { fail, inputJson, outputText } from "../sdk/omnicore";
import { readNumbers } from "../sdk/door";
import * as vectors from "../sdk/vectors";

/** [red, green, blue] -> the name of the nearest colour */
export function nearest(): i32 {
  const shape = new vectors.CreateOptions();
  shape.metric = vectors.Metric.L2;
  if (vectors.create("colours", 3, shape).value) {
    vectors.upsert("colours", [colour("red", 255, 0, 0), colour("green", 0, 255, 0), colour("blue", 0, 0, 255)]).value;
  }
  const options = new vectors.SearchOptions();
  options.limit = 1;
  const found = vectors.search("colours", readNumbers(inputJson()), options).value.matches;
  return found.length > 0 ? outputText(found[0].id) : fail("there are no colours");
}

function colour(name: string, red: f64, green: f64, blue: f64): vectors.Vector {
  const made = new vectors.Vector();
  made.id = name;
  made.values = [red, green, blue];
  return made;
}
