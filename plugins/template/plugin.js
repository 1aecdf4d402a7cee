// Handlebars templates: text with {{names}} filled in from JSON.
import Handlebars from "handlebars";
import { describe } from "omnicore";

const HELPERS = {
  upper: (value) => String(value ?? "").toUpperCase(),
  lower: (value) => String(value ?? "").toLowerCase(),
  date: (value) => new Date(value).toISOString().slice(0, 10),
  number: (value, digits) => Number(value).toFixed(typeof digits === "number" ? digits : 0),
  json: (value) => JSON.stringify(value),
  join: (list, separator) => [].concat(list ?? []).join(typeof separator === "string" ? separator : ", "),
  eq: (one, other) => one === other,
};

export function render({ template, data = {}, partials = {}, plain = false }) {
  const handlebars = Handlebars.create();
  handlebars.registerHelper(HELPERS);
  for (const [name, text] of Object.entries(partials)) handlebars.registerPartial(name, text);
  return handlebars.compile(template, { noEscape: plain, strict: false, preventIndent: true })(data);
}

describe(render, {
  description: "The template with its names filled in; HTML is escaped unless `plain` is true.",
  input: {
    type: "object",
    properties: {
      template: { type: "string", maxLength: 262144, description: "in Handlebars' language" },
      data: { type: "object", description: "what the names stand for" },
      partials: { type: "object", additionalProperties: { type: "string" }, description: "templates by name" },
      plain: { type: "boolean", description: "whether text stays as it is" },
    },
    required: ["template"],
    additionalProperties: false,
  },
  output: "text",
});

class Names extends Handlebars.Visitor {
  found = new Set();

  PathExpression(path) {
    if (!path.data && path.parts.length && !(path.original in HELPERS)) this.found.add(path.parts.join("."));
  }
}

export function names(template) {
  const visitor = new Names();
  const known = new Set([...Object.keys(HELPERS), ...Object.keys(Handlebars.helpers)]);
  visitor.accept(Handlebars.parse(template));
  return [...visitor.found].filter((name) => !known.has(name)).sort();
}

describe(names, {
  description: "The names that a template wants to be filled in.",
  input: "text",
  output: { type: "array", items: { type: "string" } },
});
