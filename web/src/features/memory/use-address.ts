import { useSearchParams } from "react-router";

interface Options {
  /** Whether going back leads to where one was before. */
  isStep?: boolean;
}

/** Changes members of the address and lets the others be; undefined takes one out. */
export function useAddress(): (changes: Record<string, string | undefined>, options?: Options) => void {
  const [, setParams] = useSearchParams();
  return (changes, { isStep = false } = {}) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) {
          if (value === undefined) next.delete(name);
          else next.set(name, value);
        }
        return next;
      },
      { replace: !isStep },
    );
}
