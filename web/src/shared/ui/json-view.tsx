import { useMemo } from "react";

import { texts } from "@/shared/texts";

import { CodeBlock } from "./code-block";

interface Props {
  value: unknown;
  label?: string;
  maxHeight?: number;
}

const MOST = 200_000;

/** A JSON value, indented; what is too long for a page is cut and says so. */
export function JsonView({ value, label = texts.common.json, maxHeight }: Props) {
  const text = useMemo(() => {
    const whole = JSON.stringify(value, null, 2) as string | undefined;
    if (whole === undefined) return "";
    return whole.length > MOST ? `${whole.slice(0, MOST)}\n…` : whole;
  }, [value]);
  return <CodeBlock text={text} label={label} {...(maxHeight !== undefined && { maxHeight })} />;
}
