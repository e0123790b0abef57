import { existsSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { encodeStep, stepCodec } from '../../../../audit/light/index.js';
import { decode, encode, type StateChunk, stateChunkCodec } from '../../../../chain/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import type { Transport } from '../../../../net/index.js';
import { systemClock } from '../../../../node/driver/clock.js';
import type { Logger } from '../../../../node/log.js';
import {
  CHUNK_PROTOCOL,
  encodeOffer,
  encodeSteps,
  OFFER_PROTOCOL,
  readSteps,
  STEPS_PROTOCOL,
} from '../../../../node/snapshot/messages.js';
import { serveSnapshots } from '../../../../node/snapshot/serve.js';
import { chainToJoin, joinNetwork } from '../../../support/joining.js';

/** A state of several chunks: entries that nobody reads, some kilobytes each. */
const test = chainToJoin({
  heights: 20,
  write: (state) => {
    for (let i = 0; i < 300; i += 1) state.set(`bulk/${i}`, new Uint8Array(4_000).fill(i & 255));
  },
});

type Network = Awaited<ReturnType<typeof joinNetwork>>;
let network: Network | null = null;
const liars: Transport[] = [];
afterEach(async () => {
  for (const liar of liars.splice(0)) await liar.stop();
  await network?.close();
  network = null;
});

type Alter = (protocol: string, answer: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A validator that serves what an honest one does, altered. */
async function addLiar({ memory, servers }: Network, alter: Alter): Promise<Transport> {
  const who = test.devices[liars.length]!;
  const transport = memory.transport(who.secret);
  const { store, node } = servers[0]!;
  serveSnapshots({
    transport: {
      serve: (protocol, handler, limits) =>
        transport.serve(protocol, async (raw, from) => alter(protocol, await handler(raw, from)), limits),
      penalize: () => {},
    },
    store,
    chain: test.chain,
    tip: () => node.tip,
    clock: systemClock,
  });
  await transport.start();
  liars.push(transport);
  return transport;
}

interface Noted {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

const chunks =
  (alter: (chunk: StateChunk) => StateChunk): Alter =>
  (protocol, answer) => {
    if (protocol !== CHUNK_PROTOCOL) return answer;
    const chunk = decode(stateChunkCodec, answer, answer.length);
    return encode(stateChunkCodec, alter(chunk));
  };
const steps =
  (alter: (step: ReturnType<typeof decodeStep>) => ReturnType<typeof decodeStep>): Alter =>
  (protocol, answer) => {
    if (protocol !== STEPS_PROTOCOL) return answer;
    const [first, ...rest] = readSteps(answer)!;
    return encodeSteps([encodeStep(alter(decodeStep(first!))), ...rest]);
  };
const decodeStep = (raw: Uint8Array) => decode(stepCodec, raw, raw.length);

const lies: Readonly<Record<string, Alter>> = {
  'an altered entry': chunks(({ entries, siblings }) => ({
    entries: entries.with(-1, { key: entries.at(-1)!.key, value: Uint8Array.of(1, 2, 3) }),
    siblings,
  })),
  'an entry left out': chunks(({ entries, siblings }) => ({ entries: entries.slice(1), siblings })),
  'an entry more': chunks(({ entries, siblings }) => ({
    entries: [...entries, { key: 'privacy/ledger/made-up', value: Uint8Array.of(0) }],
    siblings,
  })),
  'a range that ends early': chunks(({ entries, siblings }) =>
    siblings.length === 0
      ? { entries: entries.slice(1), siblings }
      : { entries, siblings: siblings.slice(0, -1) },
  ),
  'another state': (protocol, answer) =>
    protocol === CHUNK_PROTOCOL ? encode(stateChunkCodec, { entries: [], siblings: [] }) : answer,
  'no chunk at all': (protocol, answer) => (protocol === CHUNK_PROTOCOL ? utf8ToBytes('hello') : answer),
  'a header that nobody signed': steps((step) => ({
    ...step,
    header: { ...step.header, stateRoot: sha256(utf8ToBytes('another state')) },
  })),
  'a header that too few signed': steps((step) => {
    const { certificate } = step;
    return {
      ...step,
      certificate: {
        ...certificate,
        bitmap: Uint8Array.of(1),
        signatures: certificate.signatures.slice(0, 1),
      },
    };
  }),
  'no steps': (protocol, answer) => (protocol === STEPS_PROTOCOL ? encodeSteps([]) : answer),
};

/** Joins with the liar asked before all others; what was told on the way. */
async function joinPast(
  liar: Transport,
  alone = false,
): Promise<{ readonly noted: readonly Noted[]; readonly outcome: unknown }> {
  const noted: Noted[] = [];
  const log: Logger = (_, event, fields) => void noted.push({ event, fields });
  const { outcome } = await network!.join({ log }, [liar], alone);
  return { noted, outcome };
}

it.each(Object.entries(lies))(
  '%s is refused at once, its sender asked no more, and another gives it',
  async (_, alter) => {
    network = await joinNetwork(test);
    const liar = await addLiar(network, alter);
    const { noted, outcome } = await joinPast(liar);
    const caught = noted.filter(({ event }) => event === 'join-lie').map(({ fields }) => fields?.peer);
    expect([...new Set(caught)]).toEqual([liar.self]);
    expect(outcome).toBe('joined');
    const opened = await network.open();
    // The store has checked that its state has the root of the certified header.
    expect(opened.store.base).not.toBeNull();
    await opened.node.close();
  },
  60_000,
);

it('an answer without end, or none, costs its sender its turn', async () => {
  network = await joinNetwork(test);
  const endless = await addLiar(network, (protocol, answer) =>
    protocol === CHUNK_PROTOCOL ? new Uint8Array(8 * 1024 * 1024) : answer,
  );
  const { noted, outcome } = await joinPast(endless);
  expect(outcome).toBe('joined');
  expect(noted.some(({ event, fields }) => event === 'join-no-answer' && fields?.peer === endless.self)).toBe(
    true,
  );
}, 60_000);

it('a height that a liar makes up is not tried while two others agree on one', async () => {
  network = await joinNetwork(test);
  const liar = await addLiar(network, (protocol, answer) =>
    protocol === OFFER_PROTOCOL ? encodeOffer([1_000_000_000]) : answer,
  );
  const { noted, outcome } = await joinPast(liar);
  expect(outcome).toBe('joined');
  expect(noted.map(({ event }) => event)).not.toContain('join-failed');
}, 60_000);

it('where all lie nothing is joined, and nothing is left of it', async () => {
  network = await joinNetwork(test, 'memory', 1);
  const liar = await addLiar(network, lies['an entry left out']!);
  const { noted, outcome } = await joinPast(liar, true);
  expect(outcome).toBe('from-genesis');
  expect(noted.map(({ event }) => event)).toContain('join-failed');
  expect(existsSync(network.path)).toBe(false);
  expect(existsSync(`${network.path}.joining`)).toBe(false);
}, 60_000);

it('a block that the operator trusts and the chain does not have is not joined past', async () => {
  network = await joinNetwork(test);
  const hash = sha256(utf8ToBytes('another chain'));
  await expect(network.join({ known: { height: 5, hash } })).rejects.toMatchObject({ code: 'untrusted' });
  expect(existsSync(network.path)).toBe(false);
  const { height, hash: right } = test.blocks[9]!.tip;
  const joined = await network.join({ known: { height, hash: right } });
  expect(joined).toMatchObject({ outcome: 'joined' });
  const tooNew = { height: test.tip.height + 50, hash: right };
  const folder = network.path;
  expect(bytesToHex(right)).toHaveLength(64);
  await expect(network.join({ known: tooNew, path: `${folder}-2` })).rejects.toMatchObject({
    code: 'unavailable',
  });
}, 60_000);

it('a short chain is synced from genesis, and a folder that has blocks is left alone', async () => {
  const short = chainToJoin({ heights: 1, after: 0 });
  network = await joinNetwork(short);
  expect(await network.join()).toEqual({ outcome: 'from-genesis', why: 'no-offers' });
  await network.close();
  network = await joinNetwork(test);
  expect(await network.join({ path: `${network.folder}/history` })).toEqual({
    outcome: 'from-genesis',
    why: 'has-blocks',
  });
}, 60_000);
