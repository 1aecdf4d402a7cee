// @name@ greets people.
import { config, describe } from "omnicore";

interface Person {
  name: string;
}

interface Answer {
  greeting: string;
}

export function shout(text: string): string {
  return text.toUpperCase();
}
describe(shout, { description: "A text in upper case.", input: "text", output: "text" });

export function greet(person: Person): Answer {
  const name = person.name.trim();
  if (name === "") throw new Error("the name is blank");
  return { greeting: `${config.get("greeting") ?? "Hello"}, ${name}!` };
}
describe(greet, {
  description: "Greets somebody with the word from the setting `greeting`.",
  input: {
    type: "object",
    properties: { name: { type: "string", minLength: 1, maxLength: 100, description: "who is greeted" } },
    required: ["name"],
    additionalProperties: false,
  },
  output: { type: "object", properties: { greeting: { type: "string" } }, required: ["greeting"] },
});
