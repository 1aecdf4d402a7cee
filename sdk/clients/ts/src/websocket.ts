import { createHash, randomBytes } from "node:crypto";
import { request as plain, type IncomingMessage } from "node:http";
import { request as secure } from "node:https";
import type { Duplex } from "node:stream";
import { OmniCoreError, reported } from "./client.js";

const LARGEST_MESSAGE = 16 << 20;
const SECRET_OF_RFC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Texts that come over a WebSocket until one side ends it. Node.js 20 has no WebSocket that takes headers, and all that
 * matters here are messages to us, so this is enough of RFC 6455 for them.
 */
export async function* messages(
  url: string,
  headers: Record<string, string>,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let found: { socket: Duplex; head: Buffer };
  try {
    found = await upgraded(url, headers, signal);
  } catch (error) {
    if (signal?.aborted) return;
    throw error;
  }
  const { socket, head } = found;
  const end = () => socket.destroy();
  signal?.addEventListener("abort", end, { once: true });
  try {
    if (signal?.aborted) return;
    yield* texts(socket, head);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", end);
    if (!socket.destroyed) {
      socket.write(frame(0x8, Buffer.from([0x03, 0xe8])));
      socket.destroy();
    }
  }
}

function upgraded(url: string, headers: Record<string, string>, signal?: AbortSignal) {
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(key + SECRET_OF_RFC).digest("base64");
  return new Promise<{ socket: Duplex; head: Buffer }>((resolve, reject) => {
    const made = (url.startsWith("https:") ? secure : plain)(url, {
      headers: {
        ...headers,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
      },
      agent: false, // a connection that was used before may be closed by now
      signal,
    });
    made.on("error", reject);
    made.on("response", (answer: IncomingMessage) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        if (text.length < LARGEST_MESSAGE) text += part;
      });
      answer.on("end", () => reject(reported(answer.statusCode ?? 0, text)));
      answer.on("error", reject);
    });
    made.on("upgrade", (answer: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (answer.headers["sec-websocket-accept"] === accept) {
        resolve({ socket, head });
      } else {
        socket.destroy();
        reject(new Error("what answers at this address does not speak WebSocket"));
      }
    });
    made.end();
  });
}

async function* texts(socket: Duplex, head: Buffer): AsyncGenerator<string, void, undefined> {
  let waiting = head;
  let whole = Buffer.alloc(0);
  const read = function* (): Generator<string, boolean, undefined> {
    for (let found = first(waiting); found !== undefined; found = first(waiting)) {
      waiting = waiting.subarray(found.size);
      if (found.opcode === 0x8) {
        const code = found.payload.length >= 2 ? found.payload.readUInt16BE() : 1000;
        if (code === 1000 || code === 1001) return true;
        throw new OmniCoreError(code, `websocket-${code}`, found.payload.subarray(2).toString(), "", "");
      } else if (found.opcode === 0x9) {
        socket.write(frame(0xa, found.payload));
      } else if (found.opcode <= 0x2) {
        whole = Buffer.concat([whole, found.payload]);
        if (whole.length > LARGEST_MESSAGE) throw new RangeError("a message is too large");
        if (found.final) {
          yield whole.toString();
          whole = Buffer.alloc(0);
        }
      }
    }
    return false;
  };
  if (yield* read()) return;
  for await (const part of socket) {
    waiting = Buffer.concat([waiting, part as Buffer]);
    if (yield* read()) return;
  }
}

/** The first frame of what has come, if it is there as a whole. */
function first(from: Buffer) {
  if (from.length < 2) return undefined;
  const [begin, length] = [from.readUInt8(0), from.readUInt8(1)];
  const extended = { 126: 2, 127: 8 }[length & 0x7f] ?? 0;
  if (from.length < 2 + extended) return undefined;
  const size = extended === 0 ? length & 0x7f : extended === 2 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2));
  if ((length & 0x80) !== 0 || (begin & 0x70) !== 0 || size > LARGEST_MESSAGE) {
    throw new RangeError("a message is too large, or against the protocol");
  }
  const start = 2 + extended;
  if (from.length < start + size) return undefined;
  const payload = from.subarray(start, start + size);
  return { final: (begin & 0x80) !== 0, opcode: begin & 0x0f, payload, size: start + size };
}

function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const masked = Buffer.from(payload.subarray(0, 125)).map((one, place) => one ^ mask[place % 4]!);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | masked.length]), mask, masked]);
}
