import { addressOf } from "@/shared/api/prefix";
import { csrf } from "@/shared/api/csrf";

export type LiveState = "connecting" | "connected" | "reconnecting" | "closed";

export interface SocketOptions {
  url: () => string;
  onFrame: (frame: unknown) => void;
  onState: (state: LiveState) => void;
  /** The session that opened it is over. */
  onRevoked?: () => void;
  /** For tests: what makes sockets, and a number from 0 to 1. */
  open?: (url: string) => WebSocket;
  random?: () => number;
}

const FIRST_MS = 500;
const MOST_MS = 15_000;
const REVOKED = 4001;

/** How long to wait before the given attempt (from 0): doubling, with jitter so that not all come at once. */
export function backoff(attempt: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random;
}

/** A WebSocket of JSON frames that comes back by itself until it is closed. */
export class ReconnectingSocket {
  private readonly options: SocketOptions;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private over = false;

  constructor(options: SocketOptions) {
    this.options = options;
    this.options.onState("connecting");
    this.connect();
  }

  /** Ends it for good. */
  close(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.socket?.close();
    this.options.onState("closed");
  }

  private connect(): void {
    const open = this.options.open ?? ((url) => new WebSocket(url, protocols()));
    const socket = open(this.options.url());
    this.socket = socket;
    socket.onopen = () => {
      this.attempt = 0;
      if (!this.over) this.options.onState("connected");
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      if (!this.over) this.hand(message.data);
    };
    socket.onclose = (event) => {
      if (event.code === REVOKED && !this.over) this.options.onRevoked?.();
      this.again();
    };
  }

  private hand(data: unknown): void {
    if (typeof data !== "string") return;
    let frame: unknown;
    try {
      frame = JSON.parse(data);
    } catch {
      return; // one bad frame is not worth the connection
    }
    this.options.onFrame(frame);
  }

  private again(): void {
    if (this.over) return;
    this.options.onState("reconnecting");
    const wait = backoff(this.attempt++, (this.options.random ?? Math.random)());
    this.timer = setTimeout(() => this.connect(), wait);
  }
}

/** What proves that a page of ours asks: browsers set no headers on a WebSocket, so the token is a protocol. */
export function protocols(): string[] {
  return csrf.token ? ["omnicore", `omnicore.csrf.${csrf.token}`] : ["omnicore"];
}

/** The address of a WebSocket path of this host. */
export function socketUrl(path: string, query: Record<string, string> = {}): string {
  const url = new URL(addressOf(path));
  url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams(query).toString();
  return url.href;
}
