/** Bytes as a text with a character for each, which can be kept as a value; half the size of base64 when drawn. */
export function binaryOf(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return parts.join("");
}

/** The bytes of such a text. */
export function bytesOf(binary: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The text that the bytes are in UTF-8; undefined for what is none, or holds what no text holds. */
export function textOf(binary: string): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(binary));
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

const WIDTH = 16;

/** The first bytes in lines of sixteen: where, in hexadecimal, as letters. */
export function hexDump(binary: string, most: number): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(binary.length, most); at += WIDTH) {
    const row = binary.slice(at, Math.min(at + WIDTH, most));
    const hex = Array.from(row, (one) => one.charCodeAt(0).toString(16).padStart(2, "0"));
    const letters = row.replace(/[^ -~]/g, ".");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.join(" ").padEnd(WIDTH * 3 - 1)}  ${letters}`);
  }
  return lines.join("\n");
}

/** Bytes written in hexadecimal, blanks between them or not; undefined when that is not what it is. */
export function readHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replace(/0x|[\s,:]/gi, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
