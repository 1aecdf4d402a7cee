import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";

interface Options {
  /** Whether going back leads to where one was before. */
  isStep?: boolean;
}

/** Changes members of the address and lets the others be; undefined takes one out. */
export function useAddress(): (changes: Record<string, string | undefined>, options?: Options) => void {
  const [, setParams] = useSearchParams();
  return (changes, { isStep = false } = {}) =>
    setParams((before) => withParts(before, changes), { replace: !isStep });
}
