interface Example {
  name: string;
  title: string;
  about: string;
  text: string;
}

/** Workflows to begin with that need no plugin, in which what to change is easy to see. */
export const workflowsExamples: Example[] = [
  {
    name: "greet-everybody",
    title: "Greet everybody",
    about: "Asks for names in a form and makes a greeting for each of them.",
    text: `document:
  dsl: '1.0.3'
  namespace: default
  name: greet-everybody
  version: '1.0.0'
  title: Greet everybody
  summary: Asks for names in a form and makes a greeting for each of them.
input:
  schema:
    document:
      type: object
      required: [names]
      properties:
        names:
          type: array
          title: Names
          items: {type: string}
do:
  - greetings:
      for: {each: name, in: .names}
      do:
        - greet:
            set: {text: '\${ "Hello " + $name }'}
      host: {concurrency: 4}
`,
  },
  {
    name: "morning-note",
    title: "A note every morning",
    about: "Begins by the clock on working days and keeps a note in the memory.",
    text: `document:
  dsl: '1.0.3'
  namespace: default
  name: morning-note
  version: '1.0.0'
  title: A note every morning
  summary: Begins by the clock on working days and keeps a note in the memory.
host:
  triggers:
    - {cron: '0 8 * * 1-5', timezone: UTC}
do:
  - remember:
      call: memory.store@host
      with:
        text: A new working day has begun.
  - tell:
      call: log.write@host
      with: {message: The morning note is kept.}
`,
  },
  {
    name: "ask-first",
    title: "Ask before it goes on",
    about: "Waits for a decision of a person, with a form, and goes on with the answer.",
    text: `document:
  dsl: '1.0.3'
  namespace: default
  name: ask-first
  version: '1.0.0'
  title: Ask before it goes on
  summary: Waits for a decision of a person, with a form, and goes on with the answer.
do:
  - draft:
      set: {text: This is to be published.}
  - ask:
      host:
        approval:
          title: Publish this text?
          text: '\${ .text }'
          role: operator
          deadline: P1D
          form:
            type: object
            properties:
              note: {type: string, title: Note}
  - note:
      call: log.write@host
      with: {message: The decision was taken.}
`,
  },
];
