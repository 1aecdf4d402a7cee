import { binaryOf, textOf } from "./binary";
import type { Given } from "./input";

const MOST = 4000;
const FILE = "input";

export interface Target {
  origin: string;
  path: string;
  media: string;
  /** Whether a token has to be sent. */
  needsToken: boolean;
}

/** The line that makes the same call from a shell. What is long or no text comes from a file. */
export async function curlOf(target: Target, given: Given): Promise<string> {
  const isFile = given.text === undefined || given.body.size > MOST;
  const body = isFile ? undefined : textOf(binaryOf(new Uint8Array(await given.body.arrayBuffer())));
  return curlLine(target, body ?? { file: given.fileName ?? FILE });
}

/** The line with a text, or with the file that holds what to send. */
export function curlLine(
  { origin, path, media, needsToken }: Target,
  body: string | { file: string },
): string {
  const parts = [
    `curl -X POST ${quoted(`${origin}/${path}`)}`,
    `-H ${quoted(`content-type: ${media}`)}`,
    ...(needsToken ? ['-H "authorization: Bearer $OMNICORE_TOKEN"'] : []),
    // Only `raw` takes a text that begins with @ as it is.
    typeof body === "string" ? `--data-raw ${quoted(body)}` : `--data-binary ${quoted(`@${body.file}`)}`,
  ];
  return parts.join(" \\\n  ");
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
