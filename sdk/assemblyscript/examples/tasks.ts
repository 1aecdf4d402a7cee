// Lets the host call a function later. Needs a grant for tasks with the function.

import { Json, inputJson, outputJson, outputText, refuse } from "../sdk/omnicore";
import * as tasks from "../sdk/tasks";

/** {text, after_s} -> the task's id. The same text twice is one task. */
export function remind(): i32 {
  const reminder = inputJson();
  const options = new tasks.SubmitOptions();
  options.input = Json.object().set("text", reminder.get("text"));
  options.delayS = reminder.get("after_s").number;
  options.key = "remind:" + reminder.get("text").text;
  const submitted = tasks.submit("mail.send", options);
  const error = submitted.error;
  return error === null ? outputText(submitted.value) : refuse(error);
}

/** The ids of the tasks that did not begin yet. */
export function waiting(): i32 {
  const options = new tasks.ListOptions();
  options.state = tasks.State.Waiting;
  const found = tasks.list(options).value.tasks;
  return outputJson(Json.list(found.map<Json>((one: tasks.Task): Json => Json.text(one.id))));
}
