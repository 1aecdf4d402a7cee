// Bytes as they travel: text when they are UTF-8, else {"base64": "..."}.

import { Json, Kind } from "./json";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of a text. */
export function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

/** The text of bytes that are UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

export function writeBytes(bytes: Uint8Array): Json {
  if (isUtf8(bytes)) return Json.text(textOf(bytes));
  return Json.object().set("base64", Json.text(base64(bytes)));
}

export function readBytes(json: Json): Uint8Array {
  return json.kind == Kind.Object ? unbase64(json.get("base64").text) : utf8(json.text);
}

/** True for what every reader takes for UTF-8: no stray bytes, no long forms, no surrogates. */
export function isUtf8(bytes: Uint8Array): bool {
  for (let i = 0; i < bytes.length; ) {
    const first: u32 = bytes[i++];
    if (first < 0x80) continue;
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || i + more > bytes.length) return false;
    let code: u32 = first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next: u32 = bytes[i++];
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3f);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000)) return false;
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const second: u32 = left > 1 ? bytes[i + 1] : 0;
    const third: u32 = left > 2 ? bytes[i + 2] : 0;
    const bits = ((<u32>bytes[i]) << 16) | (second << 8) | third;
    parts.push(LETTERS.charAt(bits >> 18) + LETTERS.charAt((bits >> 12) & 63));
    parts.push(left > 1 ? LETTERS.charAt((bits >> 6) & 63) : "=");
    parts.push(left > 2 ? LETTERS.charAt(bits & 63) : "=");
  }
  return parts.join("");
}

function unbase64(text: string): Uint8Array {
  const end = text.indexOf("=");
  const letters = end < 0 ? text.length : end;
  const bytes = new Uint8Array((letters * 3) >> 2);
  let bits: u32 = 0;
  for (let i = 0, at = 0; i < letters; i++) {
    bits = (bits << 6) | (<u32>LETTERS.indexOf(text.charAt(i)) & 63);
    if ((i & 3) != 0) bytes[at++] = <u8>(bits >> (6 - 2 * (i & 3)));
  }
  return bytes;
}
