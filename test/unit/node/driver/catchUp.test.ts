import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork, type Transport } from '../../../../net/index.js';
import { type Certifier, certifierHere } from '../../../../node/driver/certifier.js';
import { type CertifyJob, certifyRange, type Finding } from '../../../../node/driver/certify.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import { encodeRange, RANGE_PROTOCOL, type RawEntry } from '../../../../node/driver/range.js';
import { CLOCK_PROTOCOL } from '../../../../node/peerClocks.js';
import type { Commit, Store } from '../../../../node/store/index.js';
import { createTestChain, playRound, publicTask, startTask, type TestChain } from '../../../support/chain.js';
import { eventually, introduce, openNode, person, tempFolder } from '../../../support/network.js';
import { entriesOf, serveChain } from '../../../support/servedChain.js';

const HEIGHTS = 60;
const ERA = 8;

let test: TestChain;
let folder: Awaited<ReturnType<typeof tempFolder>>;
beforeAll(async () => {
  // Short eras: what one range brings lies in several of them.
  const params = createTestChain().genesis.params;
  test = createTestChain({ params: { ...params, eraHeights: ERA } });
  startTask(test, publicTask({ rounds: 2 }));
  playRound(test);
  playRound(test);
  while (test.tip.height < HEIGHTS) test.adopt(test.build([]));
  folder = await tempFolder();
}, 120_000);
afterAll(() => folder.remove());

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

let opened = 0;

interface Wrapped {
  readonly certifier?: Certifier;
  readonly wrapStore?: (store: Store) => Store;
  readonly wrap?: (transport: Transport) => Transport;
}

/** A network of a node that has nothing, and of peers that are no nodes: they say and serve what a test wants. */
function network(served = test) {
  const errors: string[] = [];
  const limits = { penaltyPointsMax: 50, penaltyDecayPerSecond: 0, banMs: 60_000 };
  const memory = createMemoryNetwork({ limits, onError: (error) => void errors.push(error.message) });
  return {
    errors,
    async peer(name: string, answer?: (from: number) => Uint8Array) {
      const transport = memory.transport(person(name).secret);
      closing.push(() => transport.stop());
      const asked = serveChain(served, transport, answer);
      await transport.start();
      const status = { height: served.tip.height, hash: new Uint8Array(32), period: 0 };
      const claim = () => transport.publish('consensus', encodeMessage({ kind: 'status', status }));
      return { transport, asked, claim };
    },
    async behind({ wrap = (transport) => transport, ...options }: Wrapped = {}) {
      opened += 1;
      const who = served.validators[1]!;
      const path = join(folder.path, `new-${opened}`);
      const transport = wrap(memory.transport(who.secret));
      const found = await openNode({ chain: served.chain, who, path, transport, ...options });
      closing.push(() => found.node.close());
      await found.node.start();
      return found;
    },
  };
}

const whole = (from: number) => encodeRange(entriesOf(test, from, HEIGHTS));
const linked = (transport: Transport, peers: number) =>
  eventually('the links', () => transport.connectedPeers().length === peers);
const turns = async (count: number) => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
/** The certificate with a signature of nobody. */
const forged = ({ block, certificate }: RawEntry): RawEntry => ({
  block,
  certificate: certificate.map((byte, i) => (i === certificate.length - 1 ? byte ^ 1 : byte)),
});

/** Which heights are written together, and of which the records are read. */
function watchedStore() {
  const runs: number[][] = [];
  const begun = new Set<number>();
  const wrapStore = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit') {
          return (...commits: readonly Commit[]) => {
            runs.push(commits.map(({ block }) => block.header.height));
            return target.commit(...commits);
          };
        }
        if (name === 'records') {
          return (height: number) => {
            begun.add(height);
            return target.records(height);
          };
        }
        return Reflect.get(target, name, target) as unknown;
      },
    });
  return { runs, begun, wrapStore };
}

describe('catching up', () => {
  it('goes through eras whose rings are not known when the range arrives', async () => {
    const { peer, behind } = network();
    const [server, { node, failures, transport }] = [await peer('a server', whole), await behind()];
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    await eventually('the head', () => node.tip.height === HEIGHTS);
    expect(bytesToHex(node.tip.hash)).toBe(bytesToHex(test.tip.hash));
    expect(failures).toEqual([]);
    expect(server.asked).toEqual([1]);
  });

  it('writes several heights at a time, and gets ready to agree on none of them', async () => {
    const { peer, behind } = network();
    const { runs, begun, wrapStore } = watchedStore();
    const [server, { node, transport }] = [await peer('a server', whole), await behind({ wrapStore })];
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    await eventually('the head', () => node.tip.height === HEIGHTS);
    expect(runs.flat()).toEqual(Array.from({ length: HEIGHTS }, (_, i) => i + 1));
    // Slow machines make shorter runs; rounds that close end one.
    expect(runs.length).toBeLessThan(HEIGHTS / 2);
    // The records of a height are read when it begins.
    await eventually('the next height', () => begun.has(HEIGHTS + 1));
    expect([...begun]).toEqual([1, HEIGHTS + 1]);
  });
});

/** The height at which the last of these pieces ends. */
function endOf(pieces: readonly { readonly job: CertifyJob }[]): number {
  const last = pieces.at(-1)?.job;
  return last === undefined ? 0 : last.parent.height + last.blocks;
}

/** A certifier whose answers wait until the test gives them, in any order. */
function heldBack() {
  const waiting: { readonly job: CertifyJob; readonly answer: () => void }[] = [];
  const certifier: Certifier = {
    certify: (job) =>
      new Promise<readonly Finding[]>((resolve) => {
        waiting.push({ job, answer: () => resolve(certifyRange(job)) });
      }),
    help: async () => false,
    rest: () => {},
    close: async () => {},
  };
  return { waiting, certifier };
}

describe('a certificate', () => {
  it('is verified before its block is adopted, and counts only after those before it have counted', async () => {
    const { peer, behind } = network();
    const { waiting, certifier } = heldBack();
    const [server, { node, transport }] = [await peer('a server', whole), await behind({ certifier })];
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    // Of the first two eras: further the rings are not known.
    await eventually('two eras', () => endOf(waiting) === 2 * ERA - 1);
    const pieces = waiting.length;
    for (const { answer } of waiting.slice(1)) answer();
    await turns(50);
    expect([node.tip.height, waiting.length]).toEqual([0, pieces]);
    waiting[0]!.answer();
    await eventually('both eras', () => node.tip.height >= 2 * ERA - 1);
    // Executing the first block of an era makes the ring of the next one known.
    for (let at = pieces; node.tip.height < HEIGHTS; at += 1) {
      await eventually('a piece', () => waiting.length > at);
      waiting[at]!.answer();
      await eventually('its blocks', () => node.tip.height >= endOf(waiting.slice(0, at + 1)));
    }
  });

  it('that was checked meanwhile is adopted in one go with the one before it', async () => {
    const plain = createTestChain();
    while (plain.tip.height < 20) plain.adopt(plain.build([]));
    const { peer, behind } = network(plain);
    const { waiting, certifier } = heldBack();
    const { runs, wrapStore } = watchedStore();
    const server = await peer('a server', () => encodeRange(entriesOf(plain, 1, 20)));
    const { node, transport } = await behind({ certifier, wrapStore });
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    await eventually('all pieces', () => endOf(waiting) === 20);
    waiting[1]!.answer();
    await turns(5);
    for (const { answer } of waiting) answer();
    await eventually('their blocks', () => node.tip.height === 20);
    const second = waiting[1]!.job.parent.height + 1;
    expect(runs.filter((run) => run.includes(second - 1) && run.includes(second))).toHaveLength(1);
  });

  it('is executed while those before it are on their way to disk, up to four writes', async () => {
    const plain = createTestChain();
    while (plain.tip.height < 80) plain.adopt(plain.build([]));
    const { peer, behind } = network(plain);
    const { waiting, certifier } = heldBack();
    const { runs, wrapStore } = watchedStore();
    const { promise: disk, resolve: write } = Promise.withResolvers<void>();
    const slow = (store: Store): Store => {
      const watched = wrapStore(store);
      return new Proxy(store, {
        get: (target, name) =>
          name === 'commit'
            ? (...commits: readonly Commit[]) => Promise.all([watched.commit(...commits), disk])
            : (Reflect.get(target, name, target) as unknown),
      });
    };
    const server = await peer('a server', (from) => encodeRange(entriesOf(plain, from, 80)));
    const { node, transport } = await behind({ certifier, wrapStore: slow });
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    let answered = 0;
    const answerUntil = async (what: string, holds: () => boolean) =>
      eventually(what, () => {
        // One piece at a time: what was found meanwhile would be one run.
        if (answered < waiting.length && (runs.flat().at(-1) ?? 0) >= waiting[answered]!.job.parent.height) {
          waiting[answered]!.answer();
          answered += 1;
        }
        return holds();
      });
    await answerUntil('four writes', () => runs.length === 4);
    for (const { answer } of waiting.slice(answered)) answer();
    answered = waiting.length;
    await turns(100);
    expect(runs).toHaveLength(4);
    expect(node.tip.height).toBe(0);
    write();
    await answerUntil('the head', () => node.tip.height === 80);
  });

  /** A node behind gets all that a server has, its certificates checked by this. */
  async function catchesUp(certifier: Certifier): Promise<void> {
    const { peer, behind } = network();
    const [server, { node, transport }] = [await peer('a server', whole), await behind({ certifier })];
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    await eventually('the head', () => node.tip.height === HEIGHTS);
  }

  it('is checked by the main thread itself while it would wait', async () => {
    const waiting: (() => void)[] = [];
    const certifier: Certifier = {
      // Threads that do nothing.
      certify: (job) => new Promise((resolve) => void waiting.push(() => resolve(certifyRange(job)))),
      help: async () => {
        const one = waiting.shift();
        one?.();
        return one !== undefined;
      },
      rest: () => {},
      close: async () => {},
    };
    await catchesUp(certifier);
  });

  it('that a thread has checked is heard before the main thread takes another piece', async () => {
    let helped = 0;
    const certifier: Certifier = {
      certify: (job) => new Promise((resolve) => setImmediate(() => resolve(certifyRange(job)))),
      help: async () => {
        helped += 1;
        return false;
      },
      rest: () => {},
      close: async () => {},
    };
    await catchesUp(certifier);
    expect(helped).toBe(0);
  });

  it('is of no use behind one that is forged, though it was checked first', async () => {
    const { peer, behind, errors } = network();
    const { waiting, certifier } = heldBack();
    const liar = await peer('a liar', (from) => {
      const entries = entriesOf(test, from, HEIGHTS);
      return encodeRange(entries.map((entry, i) => (i === 3 ? forged(entry) : entry)));
    });
    const { node, transport, failures } = await behind({ certifier });
    introduce([liar.transport, transport]);
    await linked(transport, 1);
    liar.claim();
    await eventually('two pieces', () => waiting.length >= 2);
    waiting[1]!.answer();
    await turns(5);
    waiting[0]!.answer();
    await eventually('the ban', () => errors.length === 1);
    expect(node.tip.height).toBe(3);
    expect(failures).toEqual([]);
  });

  it('that is forged costs its sender, and nothing that was certified before it', async () => {
    for (const place of [3, ERA + 2, 2 * ERA + 5]) {
      const { peer, behind, errors } = network();
      const liar = await peer('a liar', (from) => {
        const entries = entriesOf(test, from, HEIGHTS);
        return encodeRange(entries.map((entry, i) => (from + i >= place ? forged(entry) : entry)));
      });
      const [server, { node, transport }] = [await peer('a server'), await behind()];
      introduce([liar.transport, server.transport, transport]);
      await linked(transport, 2);
      liar.claim();
      await eventually('the last good block', () => node.tip.height === place - 1);
      await eventually('the ban', () => errors.length === 1);
      expect(errors[0]).toContain(`shut out ${liar.transport.self}`);
      server.claim();
      await eventually('the head', () => node.tip.height === HEIGHTS);
      expect(server.asked[0]).toBe(place);
    }
  });

  it('is verified before any payload is pulled that its block names', async () => {
    const { peer, behind, errors } = network();
    const asked: string[] = [];
    const wrap = (transport: Transport): Transport =>
      new Proxy(transport, {
        get: (target, name: keyof Transport) => {
          if (name === 'request') {
            return (...args: Parameters<Transport['request']>) => {
              asked.push(args[1]);
              return target.request(...args);
            };
          }
          const value = target[name];
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const liar = await peer('a liar', (from) => {
      const entries = entriesOf(test, from, HEIGHTS);
      // All genuine but the first one's certificate: the payloads are named, and can be had.
      return encodeRange([forged(entries[0]!), ...entries.slice(1)]);
    });
    const { node, transport } = await behind({ wrap });
    introduce([liar.transport, transport]);
    await linked(transport, 1);
    liar.claim();
    await eventually('the ban', () => errors.length === 1);
    await turns(50);
    // Beside what time it is.
    expect(new Set(asked.filter((what) => what !== CLOCK_PROTOCOL))).toEqual(new Set([RANGE_PROTOCOL]));
    expect(node.tip.height).toBe(0);
  });

  it('that a thread ends over is checked again later', async () => {
    const { peer, behind } = network();
    let ended = 0;
    const certifier: Certifier = {
      certify: (job) => {
        ended += 1;
        return ended === 2 ? Promise.reject(new Error('no memory, say')) : certifierHere.certify(job);
      },
      help: async () => false,
      rest: () => {},
      close: async () => {},
    };
    const [server, { node, transport, failures }] = [
      await peer('a server', whole),
      await behind({ certifier }),
    ];
    introduce([server.transport, transport]);
    await linked(transport, 1);
    server.claim();
    await eventually('the second', () => ended >= 2);
    await eventually('the head', () => {
      server.claim();
      return node.tip.height === HEIGHTS;
    });
    expect(failures).toEqual([]);
  });
});
