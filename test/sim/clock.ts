interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time in whole milliseconds. Events of one millisecond run in the order they were planned. */
export class Clock {
  now = 0;
  events = 0;
  private planned = 0;
  private readonly heap: Event[] = [];

  after(delayMs: number, run: () => void): void {
    const event = { at: this.now + delayMs, order: this.planned++, run };
    const { heap } = this;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) return false;
    if (heap.length > 0) this.sink(last);
    this.now = first.at;
    this.events++;
    first.run();
    return true;
  }

  private sink(event: Event): void {
    const { heap } = this;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(event, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
