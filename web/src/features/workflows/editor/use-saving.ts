import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";

import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";

import { useCreateWorkflowMutation } from "./api/create-workflow";
import { useLazyGetWorkflowQuery } from "./api/get-workflow";
import { useSaveWorkflowMutation } from "./api/save-workflow";
import { valueAt } from "./model/path";

const CONFLICT = 409;

/** How the address names a workflow. */
export const idOf = ({ name, namespace }: Pick<Schemas["Workflow"], "name" | "namespace">) =>
  namespace === "default" ? name : `${namespace}.${name}`;

/** How the address would name what a text describes. */
export function nameOf(value: unknown): string {
  const [name, namespace] = ["name", "namespace"].map((member) => valueAt(value, ["document", member]));
  return idOf({
    name: typeof name === "string" ? name : "",
    namespace: typeof namespace === "string" ? namespace : "default",
  });
}

const numberOf = ({ number, digest }: Pick<Schemas["Workflow"], "number" | "digest">) => ({ number, digest });

/**
 * The version that the edits began from, and how they become the next one.
 *
 * `newest` is the saved version. A draft of an earlier one is compared with it at once.
 */
export function useSaving(
  newest: Schemas["Workflow"] | undefined,
  draft?: Pick<Schemas["Workflow"], "number" | "digest">,
) {
  const isBehind = draft !== undefined && newest !== undefined && draft.number !== newest.number;
  const [base, setBase] = useState(() => newest && { ...newest, ...(draft && numberOf(draft)) });
  const [theirs, setTheirs] = useState(isBehind ? newest : undefined);
  const [create, creating] = useCreateWorkflowMutation();
  const [save, saving] = useSaveWorkflowMutation();
  const [get] = useLazyGetWorkflowQuery();
  const navigate = useNavigate();
  const [query] = useSearchParams();

  /** Gives the saved version. `digest` is of the version that may be replaced. */
  const store = async (text: string, digest = base?.digest): Promise<Schemas["Workflow"] | undefined> => {
    if (!base || digest === undefined) {
      const { data } = await create(text);
      if (data) setBase(data);
      return data;
    }
    const { data, error } = await save({ workflow: idOf(base), text, digest });
    if (data) {
      setBase(data);
      setTheirs(undefined);
    } else if (asProblem(error).status === CONFLICT) {
      const other = await get(idOf(base));
      if (other.data && other.data.digest !== digest) setTheirs(other.data);
    }
    return data;
  };
  const error = theirs ? undefined : (saving.error ?? creating.error);
  return {
    ...{ base, theirs, error, store },
    isBusy: saving.isLoading || creating.isLoading,
    take: (workflow: Schemas["Workflow"]) => {
      setBase(workflow);
      setTheirs(undefined);
    },
    /** A version that was saved after the one that is edited. */
    newer: newest && base && newest.number > base.number ? newest : undefined,
    compare: () => setTheirs(newest),
    letBe: () => setTheirs(undefined),
    /** A new one gets its own address. */
    goTo: (workflow: Schemas["Workflow"]) => {
      const rest = new URLSearchParams(query);
      rest.delete("example");
      rest.delete("draft");
      return navigate(
        { pathname: `/workflows/${encodeURIComponent(idOf(workflow))}/edit`, search: rest.toString() },
        { replace: true, state: { saved: workflow.number } },
      );
    },
  };
}
