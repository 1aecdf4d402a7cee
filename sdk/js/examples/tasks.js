// Has the host do something later, with retries, and looks what became of it.
import { tasks } from "omnicore";

export function remind(person) {
  return tasks.submit("mail.send", { input: { to: person.mail }, delay_s: 60, attempts: 5, key: `remind-${person.mail}` });
}

export function state(id) {
  const task = tasks.get(id);
  return task ? task.state : "unknown";
}
