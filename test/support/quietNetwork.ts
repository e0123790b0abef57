import type { Transport } from '../../net/index.js';
import type { TestClock } from './clock.js';
import type { TestNode } from './network.js';

/**
 * Counts what is under way on the transports it wraps: published and not handled, asked and not answered. So that
 * a test may move the time on when, and only when, nobody has anything left to do.
 */
export class Traffic {
  #underWay = 0;
  #events = 0;

  /** Everything that happened so far, as a count that stands still when nothing does. */
  get events(): number {
    return this.#underWay > 0 ? Number.NaN : this.#events;
  }

  readonly wrap = (transport: Transport): Transport => {
    const count = <T>(work: () => T): T => {
      this.#events += 1;
      this.#underWay += 1;
      const done = () => {
        this.#underWay -= 1;
      };
      try {
        const result = work();
        if (result instanceof Promise) result.then(done, done);
        else done();
        return result;
      } catch (error) {
        done();
        throw error;
      }
    };
    const replaced: Partial<Transport> = {
      publish: (topic, message) => count(() => transport.publish(topic, message)),
      request: (...args) => count(() => transport.request(...args)),
      onMessage: (topic, handler) =>
        transport.onMessage(topic, (message, from) => count(() => handler(message, from))),
    };
    return new Proxy(transport, {
      get(target, name: keyof Transport) {
        const value = replaced[name] ?? target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
}

/** Looks in a row that find nothing new: each lets the event loop turn ten times and every disk finish. */
const STILL_LOOKS = 5;

/** Resolves when nothing has happened for a while: no message, no request, no new height, no disk at work. */
export async function quiet(traffic: Traffic, nodes: readonly TestNode[]): Promise<void> {
  const look = () =>
    [traffic.events, ...nodes.flatMap(({ node }) => [node.tip.height, node.agreement().period])].join();
  let still = 0;
  for (let before = look(); still < STILL_LOOKS; ) {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(nodes.map(({ store }) => store.putRecords(0, [])));
    const now = look();
    still = now === before && !now.includes('NaN') ? still + 1 : 0;
    before = now;
  }
}

/** Moves the time on by so much, in steps in which everybody does what there is to do. */
export async function pass(
  ms: number,
  clock: TestClock,
  traffic: Traffic,
  nodes: readonly TestNode[],
): Promise<void> {
  const end = clock.now() + ms;
  while (clock.now() < end) {
    // From timer to timer: between them nothing can happen.
    const next = Math.min(end, Math.max(clock.now() + 1, clock.next ?? end));
    clock.advance(next - clock.now());
    await quiet(traffic, nodes);
  }
}
