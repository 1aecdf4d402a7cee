import type { Schemas } from "@/shared/api/types";

import { ERRORS } from "./fields";

/** Something that can be put into the flow. */
export interface Offer {
  id: string;
  group: "control" | "host" | "plugins" | "connectors";
  /** Of the plugin or connector it belongs to. */
  owner: string;
  title: string;
  about: string;
  kind: string;
  /** The name that the task begins with. */
  name: string;
  value: Record<string, unknown>;
  /** Schemas, where it has some. */
  input: unknown;
  output: unknown;
}

const CONTROL: [kind: string, name: string, value: Record<string, unknown>][] = [
  ["set", "data", { set: { value: "${ . }" } }],
  [
    "switch",
    "decide",
    {
      do: [
        {
          cases: { switch: [{ yes: { when: "${ true }", then: "exit" } }, { otherwise: { then: "exit" } }] },
        },
      ],
    },
  ],
  ["for", "each", { for: { each: "item", in: "${ .items }" }, do: [], host: { concurrency: 4 } }],
  ["fork", "parallel", { fork: { branches: [] } }],
  ["try", "attempt", { try: [], catch: { as: "error" } }],
  ["ask", "approval", { host: { approval: { title: "Is this right?" } } }],
  ["http", "request", { call: "http", with: { method: "get", endpoint: "https://" } }],
  [
    "openapi",
    "operation",
    { call: "openapi", with: { document: { endpoint: "https://" }, operationId: "" } },
  ],
  ["wait", "pause", { wait: { seconds: 30 } }],
  ["emit", "tell", { emit: { event: { with: { type: "example.happened", source: "omnicore" } } } }],
  ["listen", "listen", { listen: { to: { one: { with: { type: "example.happened" } } } } }],
  ["run", "sub-workflow", { run: { workflow: { namespace: "default", name: "other", version: "latest" } } }],
  ["script", "script", { run: { script: { language: "js", code: "return {};\n" } } }],
  ["raise", "fail", { raise: { error: { type: `${ERRORS}runtime`, status: 500, title: "It went wrong" } } }],
  ["do", "group", { do: [] }],
];

interface Words {
  kinds: Record<string, string>;
  kindAbout: Record<string, string>;
}

/** Everything that can be put into a flow: the language's blocks and what this host offers. */
export function offersOf(palette: Schemas["WorkflowPalette"] | undefined, words: Words): Offer[] {
  const control = CONTROL.map(([kind, name, value]): Offer => ({
    ...{ id: kind, group: "control", owner: "", kind, name, value, input: null, output: null },
    title: words.kinds[kind] ?? kind,
    about: words.kindAbout[kind] ?? "",
  }));
  if (!palette) return control;
  const call = (
    group: Offer["group"],
    owner: string,
    one: { ref: string; description: string; input: unknown; output?: unknown },
  ): Offer => ({
    ...{ id: one.ref, group, owner, kind: "call", about: one.description, value: { call: one.ref } },
    ...{ title: titleOf(one.ref), name: nameOf(one.ref), input: one.input, output: one.output },
  });
  return toldApart([
    ...control,
    ...palette.host.map((one) => call("host", "", one)),
    ...palette.plugins.flatMap(({ plugin, functions }) =>
      functions.map((one) => call("plugins", plugin, one)),
    ),
    ...palette.connectors.flatMap(({ connector, actions }) =>
      actions.map((one) => call("connectors", connector, one)),
    ),
  ]);
}

/** Those that are called the same have the name of whose they are before it. */
function toldApart(offers: readonly Offer[]): Offer[] {
  const counts = new Map<string, number>();
  for (const { title } of offers) counts.set(title, (counts.get(title) ?? 0) + 1);
  return offers.map((offer) =>
    offer.owner && (counts.get(offer.title) ?? 0) > 1
      ? { ...offer, title: `${offer.owner}.${offer.title}` }
      : offer,
  );
}

/** `text.shout:1.0.0@default` is called shout. */
function titleOf(ref: string): string {
  const bare = ref.replace(/@.*$/, "");
  return ref.endsWith("@host") ? bare : bare.replace(/:[^:]*$/, "").replace(/^[^.]*\./, "");
}

function nameOf(ref: string): string {
  const words = titleOf(ref).replaceAll(/[^\w-]+/g, "-");
  return words.replaceAll(/^-+|-+$/g, "") || "call";
}

/** The offer of a call, also where the call names no version. */
export function offerOf(offers: readonly Offer[], ref: string): Offer | undefined {
  const plain = (name: string) =>
    name.includes("@") && !name.endsWith("@default") ? name : name.replace(/[:@].*$/, "");
  return (
    offers.find(({ id }) => id === ref) ??
    offers.find(({ id, kind }) => kind === "call" && plain(id) === plain(ref))
  );
}

/** Those that have all the words, those whose title begins so first. */
export function matching(offers: readonly Offer[], search: string): Offer[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const textOf = ({ title, owner, about, id }: Offer) => `${title} ${owner} ${id} ${about}`.toLowerCase();
  const rank = ({ title, id }: Offer) => {
    const first = words[0] ?? "";
    return title.toLowerCase().startsWith(first) ? 0 : `${title} ${id}`.toLowerCase().includes(first) ? 1 : 2;
  };
  return offers
    .filter((offer) => words.every((word) => textOf(offer).includes(word)))
    .toSorted((one, other) => (words.length > 0 ? rank(one) - rank(other) : 0));
}
