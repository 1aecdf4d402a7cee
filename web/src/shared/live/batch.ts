/** Gathers what comes in and hands it on at most once in `everyMs`, the first at once. */
export class Batch<Item> {
  private readonly waiting = new Set<Item>();
  private readonly everyMs: number;
  private readonly hand: (items: Item[]) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(everyMs: number, hand: (items: Item[]) => void) {
    this.everyMs = everyMs;
    this.hand = hand;
  }

  add(items: Iterable<Item>): void {
    for (const item of items) this.waiting.add(item);
    if (this.timer === undefined) this.flush();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
  }

  private flush(): void {
    this.timer = undefined;
    if (this.waiting.size === 0) return;
    const items = [...this.waiting];
    this.waiting.clear();
    this.timer = setTimeout(() => this.flush(), this.everyMs);
    this.hand(items);
  }
}
