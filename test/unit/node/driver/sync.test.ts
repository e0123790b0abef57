import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeBlock, decodeVote, encodeBlock, encodeVote, signVote } from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork, type NetLimits, type Transport } from '../../../../net/index.js';
import { decodeMessage, encodeMessage } from '../../../../node/driver/message.js';
import {
  DECIDED_BYTES_MAX,
  DECIDED_PROTOCOL,
  encodeDecided,
  encodeRange,
  readDecided,
} from '../../../../node/driver/range.js';
import { createTestChain, playRound, publicTask, startTask, type TestChain } from '../../../support/chain.js';
import { TestClock } from '../../../support/clock.js';
import {
  eventually,
  introduce,
  openNode,
  person,
  type TestNode,
  tempFolder,
  writeChain,
} from '../../../support/network.js';
import { entriesOf, serveChain } from '../../../support/servedChain.js';

const HEIGHTS = 60;

let test: TestChain;
let folder: Awaited<ReturnType<typeof tempFolder>>;
beforeAll(async () => {
  test = createTestChain();
  startTask(test, publicTask({ rounds: 2 }));
  playRound(test);
  test.empty();
  playRound(test);
  while (test.tip.height < HEIGHTS) test.adopt(test.build([]));
  folder = await tempFolder();
  await writeChain(test, join(folder.path, 'ahead'));
}, 120_000);
afterAll(() => folder.remove());

let closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  closing = [];
});

function network(limits: Partial<NetLimits> = {}) {
  const errors: string[] = [];
  const memory = createMemoryNetwork({ limits, onError: (error) => void errors.push(error.message) });
  return { memory, errors };
}

let opened = 0;

/** A node of the chain that has nothing of it yet, or what `path` holds. */
async function node(transport: Transport, options: { path?: string; who?: number; clock?: TestClock } = {}) {
  opened += 1;
  const found = await openNode({
    chain: test.chain,
    who: test.validators[options.who ?? 0]!,
    path: join(folder.path, options.path ?? `new-${opened}`),
    transport,
    ...(options.clock && { clock: options.clock }),
  });
  closing.push(() => found.node.close());
  await found.node.start();
  return found;
}

/** A peer that is no node: it says and serves what a test wants. */
async function peer(memory: ReturnType<typeof network>['memory'], name: string) {
  const transport = memory.transport(person(name).secret);
  closing.push(() => transport.stop());
  await transport.start();
  const claim = (height: number): void =>
    transport.publish(
      'consensus',
      encodeMessage({ kind: 'status', status: { height, hash: new Uint8Array(32), period: 0 } }),
    );
  return { transport, claim };
}

const entries = (from: number, to: number) => entriesOf(test, from, to);
const serve = (transport: Transport, answer?: (from: number) => Promise<Uint8Array> | Uint8Array) =>
  serveChain(test, transport, answer);

function expectCaughtUp({ node: found, failures, store }: TestNode): void {
  expect(failures).toEqual([]);
  expect(bytesToHex(found.tip.hash)).toBe(bytesToHex(test.tip.hash));
  // Payloads came along: those of updates, and the models that execution made.
  for (const [id] of test.payloads) expect(store.hasPayload(Buffer.from(id, 'hex'))).toBe(true);
}

describe('catching up', () => {
  it('brings a node that has nothing to the head, rounds, payloads and empty blocks included', async () => {
    const { memory, errors } = network();
    const ahead = await node(memory.transport(test.validators[0]!.secret), { path: 'ahead' });
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1 });
    introduce([ahead.transport, behind.transport]);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expectCaughtUp(behind);
    expect(errors).toEqual([]);
  });

  it('says nothing on heights that are decided, its own turn to lead included', async () => {
    const { memory } = network();
    const ahead = await node(memory.transport(test.validators[0]!.secret), { path: 'ahead' });
    const own = memory.transport(test.validators[1]!.secret);
    const said: number[] = [];
    const heard = new Proxy(own, {
      get(target, name: keyof Transport) {
        if (name !== 'publish') {
          const value = target[name];
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return (topic: 'consensus', raw: Uint8Array) => {
          const message = decodeMessage(raw);
          if (message?.kind === 'proposal') said.push(message.proposal.block.header.height);
          if (message?.kind === 'votes') {
            const vote = decodeVote(test.chain.chainId, message.votes[0]!);
            if (vote.ok) said.push(vote.vote.height);
          }
          target.publish(topic, raw);
        };
      },
    });
    const behind = await node(heard, { who: 1, clock: new TestClock() });
    introduce([ahead.transport, behind.transport]);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expectCaughtUp(behind);
    expect(said.filter((height) => height <= HEIGHTS)).toEqual([]);
  });

  it('asks for the next blocks while it executes these, and for no more than that', async () => {
    const { memory } = network();
    const server = await peer(memory, 'a server');
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1 });
    const executed: number[] = [];
    const asked = serve(server.transport, (from) => {
      executed.push(behind.node.agreement().height - 1);
      return encodeRange(entries(from, from + 9));
    });
    introduce([server.transport, behind.transport]);
    await eventually('the link', () => server.transport.connectedPeers().length === 1);
    server.claim(HEIGHTS);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expectCaughtUp(behind);
    expect(asked).toEqual([1, 11, 21, 31, 41, 51]);
    for (const [i, from] of asked.entries()) {
      if (i === 0) continue;
      // The ten blocks before are at hand and not all executed, those before them are.
      expect(executed[i]).toBeLessThan(from - 1);
      expect(executed[i]).toBeGreaterThanOrEqual(from - 1 - 20);
    }
  });

  it('goes on while the chain does', async () => {
    const { memory } = network();
    const server = await peer(memory, 'a server');
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1 });
    serve(server.transport);
    introduce([server.transport, behind.transport]);
    await eventually('the link', () => server.transport.connectedPeers().length === 1);
    // The head moves on with every look.
    for (let head = 7; ; head = Math.min(HEIGHTS, head + 9)) {
      server.claim(head);
      await eventually(`height ${head}`, () => behind.node.tip.height >= head);
      if (head === HEIGHTS) break;
    }
    expectCaughtUp(behind);
  });
});

/** What a peer that claims to be ahead may do instead of delivering. */
const lies: readonly {
  lie: string;
  answer: (from: number) => Promise<Uint8Array> | Uint8Array;
  points: number;
}[] = [
  { lie: 'never answers', answer: () => new Promise(() => {}), points: 5 },
  { lie: 'has nothing', answer: () => encodeRange([]), points: 5 },
  { lie: 'answers with junk', answer: () => new Uint8Array(100).fill(7), points: 50 },
  { lie: 'sends other heights', answer: (from) => encodeRange(entries(from + 1, from + 5)), points: 50 },
  {
    lie: 'sends certificates of other blocks',
    answer: (from) =>
      encodeRange(
        entries(from, from + 5).map(({ block }, i) => ({
          block,
          certificate: entries(from + i + 1, from + i + 1)[0]!.certificate,
        })),
      ),
    points: 50,
  },
  {
    lie: 'forges a signature',
    answer: (from) =>
      encodeRange(
        entries(from, from + 5).map((entry, i) =>
          i < 3 ? entry : { ...entry, certificate: flipped(entry.certificate) },
        ),
      ),
    points: 50,
  },
  {
    lie: 'changes a body',
    answer: (from) =>
      encodeRange(
        entries(from, from + 5).map((entry, i) =>
          i < 3 ? entry : { ...entry, block: withoutParentVotes(entry.block) },
        ),
      ),
    points: 50,
  },
  {
    lie: 'goes on from a block that nobody certified',
    answer: (from) => {
      const [first, ...rest] = entries(from, from + 5);
      return encodeRange([{ ...first!, certificate: flipped(first!.certificate) }, ...rest]);
    },
    points: 50,
  },
];

/** With the last byte changed, which is of a signature. */
function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[changed.length - 1]! ^= 1;
  return changed;
}

function withoutParentVotes(raw: Uint8Array): Uint8Array {
  const block = decodeBlock(raw);
  return encodeBlock({ ...block, parentVotes: block.parentVotes.slice(1) });
}

describe('a peer that claims to be ahead', () => {
  it.each(lies)('and $lie is replaced within 2 s and loses $points points', async ({ answer, points }) => {
    const exact = { penaltyPointsMax: points, penaltyDecayPerSecond: 0, banMs: 60_000 };
    const { memory, errors } = network(exact);
    const liar = await peer(memory, 'a liar');
    const server = await peer(memory, 'a server');
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1 });
    const askedLiar = serve(liar.transport, answer);
    const askedServer = serve(server.transport);
    introduce([liar.transport, server.transport, behind.transport]);
    await eventually('the links', () => behind.transport.connectedPeers().length === 2);
    const begun = performance.now();
    // The liar speaks first, so it is asked first; its word counts as much as any.
    liar.claim(1_000_000);
    await eventually('a question', () => askedLiar.length >= 1);
    server.claim(HEIGHTS);
    await eventually('the other to be asked', () => askedServer.length > 0);
    expect(performance.now() - begun).toBeLessThan(2_000 + 1_500);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expectCaughtUp(behind);
    // The next range is asked for before the first one is looked at.
    expect(askedLiar.length).toBeLessThanOrEqual(2);
    expect(errors.some((error) => error.startsWith(`shut out ${liar.transport.self}`))).toBe(true);
  });

  it.each([
    ['', 0],
    [', also on a machine whose clock is set back meanwhile', -3_600_000],
    [', not before on one whose clock is set ahead', 3_600_000],
  ])('loses no more points than that, and is asked again after a rest%s', async (_, setMs) => {
    const { memory, errors } = network({ penaltyPointsMax: 11, penaltyDecayPerSecond: 0, banMs: 60_000 });
    const liar = await peer(memory, 'a liar');
    const clock = new TestClock();
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1, clock });
    const asked = serve(liar.transport, (from) =>
      encodeRange(asked.length > 2 ? entries(from, HEIGHTS) : []),
    );
    introduce([liar.transport, behind.transport]);
    await eventually('the link', () => liar.transport.connectedPeers().length === 1);
    const claimed = async (times: number): Promise<void> => {
      liar.claim(HEIGHTS);
      await eventually(`question ${times}`, () => asked.length >= times);
    };
    await claimed(1);
    clock.set(setMs);
    clock.advance(1_000);
    await claimed(2);
    clock.set(setMs);
    clock.advance(1_000);
    liar.claim(HEIGHTS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.length).toBe(2);
    clock.advance(1_000);
    await claimed(3);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expect(errors).toEqual([]);
  });
});

describe('blocks that follow on one that nobody certified', () => {
  it('make no height count as decided', async () => {
    const { memory } = network();
    const clock = new TestClock();
    const [liar, honest] = [await peer(memory, 'a liar'), await peer(memory, 'an honest one')];
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1, clock });
    const asked = serve(liar.transport, (from) => {
      const [first, ...rest] = entries(from, from + 5);
      return encodeRange([{ ...first!, certificate: flipped(first!.certificate) }, ...rest]);
    });
    introduce([liar.transport, honest.transport, behind.transport]);
    await eventually('the links', () => behind.transport.connectedPeers().length === 2);
    liar.claim(6);
    await eventually('the question', () => asked.length === 1);
    const [entry] = entries(1, 1);
    const first = encodeDecided({ at: 1, from: 1, entry: entry! });
    const hand = () => honest.transport.request(behind.transport.self, DECIDED_PROTOCOL, first);
    for (let tries = 0; behind.node.tip.height === 0 && tries < 1_000; tries += 1) await hand();
    expect(behind.node.tip.height).toBe(1);
    // At height 2 it is as ready to agree as ever.
    clock.advance(61_000);
    await eventually('the heartbeat', () => behind.node.agreement().active);
  });
});

describe('a peer that speaks of a decided height', () => {
  it('is handed the block with its certificate, unless it was decided just now', async () => {
    const { memory } = network();
    const clock = new TestClock();
    const ahead = await node(memory.transport(test.validators[0]!.secret), { path: 'ahead', clock });
    const slow = await peer(memory, 'a slow one');
    const handed: { at: number; from: number }[] = [];
    slow.transport.serve(
      DECIDED_PROTOCOL,
      async (raw) => {
        const { at, from, entry } = readDecided(raw)!;
        expect(entry).toEqual(entries(from, from)[0]);
        handed.push({ at, from });
        return new Uint8Array(0);
      },
      { requestBytesMax: DECIDED_BYTES_MAX, concurrentMax: 4 },
    );
    introduce([ahead.transport, slow.transport]);
    await eventually('the link', () => slow.transport.connectedPeers().length === 1);
    const { publicKey, secret } = test.validators[2]!;
    const votes = (height: number) => {
      const vote = { height, period: 0, step: 'soft', value: new Uint8Array(32) } as const;
      const { chainId } = test.chain;
      const wire = encodeVote(chainId, signVote(chainId, vote, publicKey, secret));
      slow.transport.publish('consensus', encodeMessage({ kind: 'votes', votes: [wire] }));
    };
    votes(HEIGHTS - 3);
    await eventually('a block', () => handed.length === 1);
    votes(HEIGHTS); // the tip since this moment: its votes may still be under way
    clock.advance(100);
    slow.claim(HEIGHTS - 8);
    await eventually('another', () => handed.length === 2);
    clock.advance(200);
    votes(HEIGHTS);
    await eventually('the tip', () => handed.length === 3);
    expect(handed).toEqual([HEIGHTS - 3, HEIGHTS - 7, HEIGHTS].map((from) => ({ at: HEIGHTS, from })));
  });

  it('takes it in at once, and asks for the rest', async () => {
    const { memory } = network();
    const server = await peer(memory, 'a server');
    const behind = await node(memory.transport(test.validators[1]!.secret), {
      who: 1,
      clock: new TestClock(),
    });
    const asked = serve(server.transport);
    introduce([server.transport, behind.transport]);
    await eventually('the link', () => behind.transport.connectedPeers().length === 1);
    const hand = (at: number, from: number, entry = entries(from, from)[0]!) =>
      server.transport.request(behind.transport.self, DECIDED_PROTOCOL, encodeDecided({ at, from, entry }));
    await hand(1, 1);
    await eventually('block 1', () => behind.node.tip.height === 1);
    expect(asked).toEqual([]);
    await hand(12, 5); // not the next one: nothing to do with it
    await hand(12, 2);
    await eventually('block 12', () => behind.node.tip.height === 12);
    expect(asked).toEqual([3]);
  });

  it('holds junk and forgeries against who hands them over', async () => {
    for (const kind of ['junk', 'forgery'] as const) {
      const { memory, errors } = network({ penaltyPointsMax: 25, penaltyDecayPerSecond: 0 });
      const liar = await peer(memory, 'a liar');
      const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1 });
      introduce([liar.transport, behind.transport]);
      await eventually('the link', () => behind.transport.connectedPeers().length === 1);
      const [entry] = entries(1, 1);
      const forged = { ...entry!, certificate: flipped(entry!.certificate) };
      const message = kind === 'junk' ? new Uint8Array(9) : encodeDecided({ at: 1, from: 1, entry: forged });
      await liar.transport.request(behind.transport.self, DECIDED_PROTOCOL, message).catch(() => {});
      await eventually('the ban', () => errors.length === 1);
      expect(errors[0]).toContain(`shut out ${liar.transport.self}`);
      expect(behind.node.tip.height).toBe(0);
    }
  });
});

describe('a member that lags in periods', () => {
  it('gets the freshest next quorum from a peer on request', async () => {
    const { memory } = network();
    // Time stands still: nothing is sent again, and no deadline passes.
    const clock = new TestClock();
    const [first, second] = await Promise.all(
      [0, 1].map((who) => node(memory.transport(test.validators[who]!.secret), { who, clock })),
    );
    const voters = await peer(memory, 'who passes votes on');
    introduce([first!.transport, voters.transport]);
    await eventually('the link', () => voters.transport.connectedPeers().length === 1);
    const { chainId } = test.chain;
    const votes = test.validators.slice(1).map(({ publicKey, secret }) => {
      const vote = { height: 1, period: 0, step: 'next', value: null } as const;
      return encodeVote(chainId, signVote(chainId, vote, publicKey, secret));
    });
    voters.transport.publish('consensus', encodeMessage({ kind: 'votes', votes }));
    await eventually('period 1', () => first!.node.agreement().period === 1);
    expect(second!.node.agreement().period).toBe(0);
    introduce([first!.transport, second!.transport]);
    await eventually('period 1 there too', () => second!.node.agreement().period === 1);
  });
});

describe('a node that is asked to wait until it has caught up', () => {
  /** A node whose time stands still, and whether it says by now that it has caught up. */
  async function waiting(timeoutMs: number, peers: number) {
    const { memory } = network();
    const clock = new TestClock();
    const behind = await node(memory.transport(test.validators[1]!.secret), { who: 1, clock });
    const others = [];
    for (let i = 0; i < peers; i += 1) others.push(await peer(memory, `peer ${i}`));
    for (const { transport } of others) serve(transport);
    introduce([behind.transport, ...others.map(({ transport }) => transport)]);
    await eventually('the links', () => behind.transport.connectedPeers().length === peers);
    const wait = { over: false };
    const controller = new AbortController();
    void behind.node.caughtUp(timeoutMs, controller.signal).then(() => {
      wait.over = true;
    });
    /** Lets so much time pass, look by look. */
    const later = async (ms: number): Promise<boolean> => {
      for (let passed = 0; passed < ms; passed += 100) {
        clock.advance(100);
        for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      return wait.over;
    };
    return { behind, others, later, controller };
  }

  it('waits while fewer than f+1 have spoken, and until it stands where f+1 stand, whatever a liar claims', async () => {
    const { behind, others, later } = await waiting(3_600_000, 3);
    expect(await later(1_000)).toBe(false);
    others[0]!.claim(0);
    expect(await later(1_000)).toBe(false);
    // Blocks come from the first one to be asked; the claim of the last is never made good.
    others[1]!.claim(HEIGHTS);
    others[2]!.claim(HEIGHTS);
    others[0]!.claim(1_000_000);
    expect(behind.node.tip.height).toBeLessThan(HEIGHTS);
    await eventually('the head', () => behind.node.tip.height === HEIGHTS);
    expect(await later(1_000)).toBe(true);
  });

  it('waits no longer than it was told, nor when nobody waits any more', async () => {
    const first = await waiting(5_000, 1);
    expect(await first.later(4_800)).toBe(false);
    expect(await first.later(400)).toBe(true);
    const second = await waiting(3_600_000, 1);
    expect(await second.later(500)).toBe(false);
    second.controller.abort();
    expect(await second.later(200)).toBe(true);
  });
});
