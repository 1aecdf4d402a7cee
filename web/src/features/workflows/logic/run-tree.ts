import type { Schemas } from "@/shared/api/types";

type Step = Schemas["RunStep"];
type Open = Schemas["RunOpen"]["items"][number];

/** One occurrence of a task in a run, in the order in which they are shown. */
export interface TreeRow {
  place: string;
  path: string;
  name: string;
  kind: string;
  depth: number;
  /** In a loop, from 1; of events, when it is inside of a `foreach`. */
  round: { kind: "round" | "event"; number: number } | undefined;
  /** Of its newest row, `running` or `waiting` while it is open; `open` for a block that is not over. */
  state: string;
  /** Its attempts, in order. */
  rows: readonly Step[];
  attempt: number;
  beganAt: number | undefined;
  endedAt: number | undefined;
  dueAt: number | null;
  hasChildren: boolean;
  isFolded: boolean;
}

interface Task {
  place: string;
  name: string;
  round: TreeRow["round"];
}

interface Node extends Task {
  rows: Step[];
  open: Open | undefined;
  children: Node[];
  /** Where it stands among its siblings. */
  first: number;
  seq: number;
}

const LISTS = new Set(["do", "try", "branches", "compensate"]);
const ROUNDS: Record<string, "round" | "event"> = { for: "round", foreach: "event" };
const PATIENT = new Set(["timer", "listen", "approval"]);
const COUNT = /^\d+$/;
/** A loop of more rounds is folded until somebody wants to see them. */
const MANY = 20;

/** The tasks that a place is in, outermost first, the last one its own. */
export function tasksOf(place: string): Task[] {
  const parts = place.split("/");
  const found: Task[] = [];
  let round: TreeRow["round"];
  for (let at = 1; at < parts.length;) {
    const [part = "", next = ""] = parts.slice(at);
    const name = parts[at + 2];
    const kind = ROUNDS[part];
    if (kind && COUNT.test(next)) {
      round = { kind, number: Number(next) + 1 };
      at += 2;
    } else if (LISTS.has(part) && COUNT.test(next) && name !== undefined) {
      found.push({ place: parts.slice(0, at + 3).join("/"), name: plain(name), round });
      round = undefined;
      at += 3;
    } else at += 1;
  }
  return found;
}

/** The rows of a run as a tree, with what is open now. `unfolded` are places whose folding was changed. */
export function treeOf(
  steps: readonly Step[],
  open: readonly Open[],
  changed: ReadonlySet<string>,
): TreeRow[] {
  const roots: Node[] = [];
  const known = new Map<string, Node>();
  const nodeOf = (place: string): Node | undefined => {
    const found = known.get(place);
    if (found) return found;
    let siblings = roots;
    let node: Node | undefined;
    for (const task of tasksOf(place)) {
      node = known.get(task.place);
      if (!node) {
        node = { ...task, rows: [], open: undefined, children: [], first: Infinity, seq: Infinity };
        known.set(task.place, node);
        siblings.push(node);
      }
      siblings = node.children;
    }
    return node;
  };
  for (const step of steps) {
    const node = nodeOf(step.place);
    if (!node) continue; // pauses and the like belong to the whole run
    if (step.place === node.place) node.rows.push(step);
    for (const { place } of tasksOf(step.place)) {
      const one = known.get(place);
      if (!one) continue;
      one.first = Math.min(one.first, step.began_at);
      one.seq = Math.min(one.seq, step.seq);
    }
  }
  for (const one of open) {
    const node = nodeOf(one.place);
    if (node) node.open = one;
  }
  const shown: TreeRow[] = [];
  collect(roots, 0, changed, shown);
  return shown;
}

function collect(nodes: Node[], depth: number, changed: ReadonlySet<string>, shown: TreeRow[]): void {
  nodes.sort((one, other) => one.first - other.first || one.seq - other.seq || 0);
  for (const node of nodes) {
    const isMany = node.children.length > MANY;
    const isFolded = node.children.length > 0 && isMany !== changed.has(node.place);
    shown.push(rowOf(node, depth, isFolded));
    if (!isFolded) collect(node.children, depth + 1, changed, shown);
  }
}

function rowOf(node: Node, depth: number, isFolded: boolean): TreeRow {
  const { place, name, round, rows, open, children } = node;
  const last = rows.at(-1);
  const isOpen = open !== undefined || !last || last.status === "retried";
  return {
    ...{ place, name, round, rows, depth, isFolded },
    path: last?.path ?? "",
    kind: last?.kind ?? open?.kind ?? "",
    state: stateOf(last, open),
    attempt: open?.attempt ?? last?.attempt ?? 1,
    beganAt: Number.isFinite(node.first) ? node.first : undefined,
    endedAt: isOpen ? undefined : last.at,
    dueAt: open?.due_at ?? null,
    hasChildren: children.length > 0,
  };
}

function stateOf(last: Step | undefined, open: Open | undefined): string {
  if (open && open.kind === "timer" && last?.status === "retried") return "retried";
  if (open) return PATIENT.has(open.kind) ? "waiting" : "running";
  return last?.status ?? "open";
}

/** Without the number of the visit, and as it is written. */
function plain(name: string): string {
  const visit = /~(\d+)$/.exec(name);
  const bare = visit && Number(visit[1]) > 1 ? name.slice(0, visit.index) : name;
  return bare.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Where a row stands on the time line of its run, in percent; undefined when it has not begun. */
export function spanOf(
  row: Pick<TreeRow, "beganAt" | "endedAt">,
  begin: number,
  end: number,
): { left: number; width: number } | undefined {
  if (row.beganAt === undefined) return undefined;
  const whole = Math.max(end - begin, 0.001);
  const left = Math.min(100, Math.max(0, ((row.beganAt - begin) / whole) * 100));
  const right = Math.min(100, (((row.endedAt ?? end) - begin) / whole) * 100);
  return { left, width: Math.max(0, right - left) };
}
