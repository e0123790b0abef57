import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, payloadId, readState, type Vote } from '../../../../chain/index.js';
import { gridOf, roundCell, taskCell } from '../../../../contracts/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  encodeUpdate,
  type ModelSpec,
  parameterCount,
  roundToFine,
  toWire,
} from '../../../../fl/index.js';
import { decodeProposal } from '../../../../node/driver/message.js';
import type { Store } from '../../../../node/store/index.js';
import { applyCall, type Call, declareCall, publishCall, taskSpec } from '../../../support/chain.js';
import { eventually, type Mortal, mortalNetwork } from '../../../support/mortalNetwork.js';
import { type Person, sign } from '../../../support/network.js';

/** What one validator was asked to write of one payload, and how far it may get. */
interface Trap {
  readonly victim: Mortal;
  readonly id: string;
  readonly when: 'before' | 'after';
  /** The store's method that was called: whole payloads of one transaction, or one that was pulled. */
  sprung: 'putPayload' | 'putPayloads' | null;
  /** The store in the life that ended there: that write is never done, or never answered. */
  stopped: Store | null;
}

/** A vote that binds its sender to a block, and whether the block's payloads were on its disk when it left. */
interface Bound {
  readonly self: Mortal;
  readonly height: number;
  readonly held: boolean;
  readonly payloads: readonly string[];
}

let trap: Trap | null = null;
const bound: Bound[] = [];

function withTrap(store: Store, self: Mortal): Store {
  const trapped = async (
    method: 'putPayload' | 'putPayloads',
    ids: readonly Uint8Array[],
    work: () => Promise<void>,
  ): Promise<void> => {
    const armed = trap;
    const isThere = armed !== null && armed.victim === self && ids.some((id) => bytesToHex(id) === armed.id);
    if (!isThere || (armed.stopped !== null && armed.stopped !== store)) return work();
    if (armed.when === 'after') await work();
    armed.sprung ??= method;
    armed.stopped = store;
    return new Promise<void>(() => undefined);
  };
  return new Proxy(store, {
    get: (target, name) => {
      // Whoever still asks a dead one hears nothing.
      if (!self.alive && name === 'hasPayload') return () => false;
      if (!self.alive && name === 'payload') return () => null;
      if (name === 'putPayload') {
        return (id: Uint8Array, bytes: Uint8Array) =>
          trapped('putPayload', [id], () => target.putPayload(id, bytes));
      }
      if (name === 'putPayloads') {
        return (payloads: Parameters<Store['putPayloads']>[0]) =>
          trapped(
            'putPayloads',
            payloads.map(({ id }) => id),
            () => target.putPayloads(payloads),
          );
      }
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

/** Soft votes of period 0 and cert votes need the block held; what else is sent may only carry a value on. */
function noteVote(self: Mortal, { height, period, step, value }: Vote): void {
  const binds = value !== null && (step === 'cert' || (step === 'soft' && period === 0));
  if (!binds || height <= self.store.head.height) return;
  const record = self.store.records(height).find(({ key }) => key === `block/${bytesToHex(value)}`);
  if (record === undefined) return;
  const ids = payloadsOf(decodeProposal(record.value)!.block);
  const held = ids.every((id) => self.store.hasPayload(id));
  bound.push({ self, height, held, payloads: ids.map(bytesToHex) });
}

function payloadsOf({ transactions }: Block): readonly Uint8Array[] {
  return transactions.flatMap(({ payloads }) => payloads.map(({ id }) => id));
}

/** Four validators, and an open round that waits for eight devices' updates under this model. */
async function openRound(model: ModelSpec) {
  const network = await mortalNetwork({ wrap: withTrap, onOwnVote: noteVote, devicesEach: 2 });
  const { mortals, chain, people } = network;
  const [first] = mortals as [Mortal];
  const setting = {
    ...people,
    chain,
    get state() {
      return readState(first.node.tip.state);
    },
  };
  const submit = async ({ from, level = 0, ...call }: Call) => {
    const transaction = sign(first.node, from, { ...call, level });
    const submitted = await first.node.submit(transaction, []);
    if (!submitted.ok) throw new Error(submitted.detail);
    await eventually('the block', () => first.store.transaction(submitted.hash) !== null);
  };
  const budget = {
    privacy: { ...taskSpec().privacy, epsilonMicro: 0, deltaPico: 0, sigma16: 0 },
    publicData: true,
  };
  const count = people.devices.length;
  await submit(
    publishCall(
      setting,
      taskSpec({
        model,
        devicesMax: count,
        quorum: count,
        enrolMs: 600_000,
        deadlineMs: 3_600_000,
        ...budget,
      }),
    ),
  );
  for (const device of people.devices) await submit(declareCall(device));
  for (const device of people.devices) await submit(applyCall(setting, device));
  await eventually('the round', () =>
    mortals.every(({ node }) => roundCell.get(readState(node.tip.state), 1) !== null),
  );
  return network;
}

type Network = Awaited<ReturnType<typeof openRound>>;

function updateOf({ node }: Mortal, device: Person) {
  const task = taskCell.get(readState(node.tip.state), 1)!;
  const grid = gridOf(task);
  const random = drbg(utf8ToBytes(device.name));
  const sum = Float64Array.from(random(parameterCount(task.spec.model)), (byte) => byte / 4_096);
  const payload = encodeUpdate(toWire(addNoise(roundToFine(sum, grid), grid, random), grid), grid);
  const call = { contract: 'training', method: 'update', args: { task: 1, round: 1 }, level: 1 };
  return { payload, transaction: sign(node, device, call, [payload]) };
}

const heads = ({ mortals }: Network): readonly number[] => mortals.map(({ store }) => store.head.height);

async function committedEverywhere({ mortals }: Network, hash: Uint8Array, id: Uint8Array): Promise<void> {
  await eventually('the update on all chains', () =>
    mortals.every(({ store }) => store.transaction(hash) !== null),
  );
  const places = mortals.map(({ store }) => store.transaction(hash)!);
  expect(new Set(places.map(({ height, index }) => `${height}/${index}`)).size).toBe(1);
  for (const { store } of mortals) {
    expect(store.hasPayload(id)).toBe(true);
    expect(store.block(places[0]!.height)!.receipts[places[0]!.index + 1]!.ok).toBe(true);
  }
}

/** A client hands the update to the node that dies at its write: nothing was promised, and the same bytes do later. */
async function dieAtSubmit(network: Network, device: Person, when: Trap['when']): Promise<void> {
  const [, victim] = network.mortals as [Mortal, Mortal];
  const { payload, transaction } = updateOf(victim, device);
  const id = payloadId(payload);
  const armed: Trap = { victim, id: bytesToHex(id), when, sprung: null, stopped: null };
  trap = armed;
  let answered = false;
  void victim.node.submit(transaction, [payload]).finally(() => (answered = true));
  await eventually('the write', () => armed.sprung !== null);
  const height = Math.max(...heads(network));
  await eventually('the others to go on', () => Math.max(...heads(network)) > height + 1);
  expect([answered, armed.sprung]).toEqual([false, 'putPayloads']);
  await victim.kill();
  await victim.start();
  trap = null;
  // Nobody was promised anything, so what was written goes: no block has announced it.
  await eventually('the loose payload to go', () => !victim.store.hasPayload(id));
  const again = await victim.node.submit(transaction, [payload]);
  if (!again.ok) throw new Error(again.detail);
  await committedEverywhere(network, again.hash, id);
}

/** Another node took the update; the one that gets it by gossip, or by pulling it, dies at its write. */
async function dieAtArrival(network: Network, device: Person, when: Trap['when']): Promise<Trap['sprung']> {
  const [, victim, by] = network.mortals as [Mortal, Mortal, Mortal];
  const { payload, transaction } = updateOf(by, device);
  const id = payloadId(payload);
  const armed: Trap = { victim, id: bytesToHex(id), when, sprung: null, stopped: null };
  trap = armed;
  const submitted = await by.node.submit(transaction, [payload]);
  if (!submitted.ok) throw new Error(submitted.detail);
  await eventually('the write', () => armed.sprung !== null);
  // The others need no vote of it.
  await eventually('the block', () => by.store.transaction(submitted.hash) !== null);
  const { height } = by.store.transaction(submitted.hash)!;
  await eventually('the network to go on', () => by.store.head.height > height + 1);
  // Nor would it propose it.
  expect(victim.node.pending(submitted.hash)).toBe(false);
  if (when === 'before') {
    expect(victim.store.head.height).toBeLessThan(height);
    expect(bound.some((vote) => vote.self === victim && vote.payloads.includes(armed.id))).toBe(false);
  }
  await victim.kill();
  await victim.start();
  trap = null;
  await committedEverywhere(network, submitted.hash, id);
  await eventually('all to go on', () => Math.min(...heads(network)) > height + 1);
  return armed.sprung;
}

const dense = (units: number) =>
  [
    { kind: 'dense', units, activation: 'relu' },
    { kind: 'dense', units: 1, activation: 'linear' },
  ] as const;

describe.each([
  // Up to 16 KiB travel with the transaction; what is larger is pulled.
  ['carried', 4, 'putPayloads'],
  ['pulled', 4_096, 'putPayload'],
] as const)('a validator that dies where a payload that is %s is written', (_, units, method) => {
  let network: Network;
  beforeAll(async () => {
    bound.length = 0;
    network = await openRound({ inputs: 2, layers: [...dense(units)] });
  }, 60_000);
  afterAll(() => network.close());

  it.each(['before', 'after'] as const)(
    'has promised nothing if a client sent it: killed %s',
    async (when) => {
      await dieAtSubmit(network, network.people.devices[when === 'before' ? 0 : 1]!, when);
    },
    120_000,
  );

  it.each(['before', 'after'] as const)(
    'does not vote without it, and all go on: killed %s',
    async (when) => {
      const device = network.people.devices[when === 'before' ? 2 : 3]!;
      expect(await dieAtArrival(network, device, when)).toBe(method);
    },
    120_000,
  );

  it('no vote that binds left before all payloads of its block were held', () => {
    const withPayloads = bound.filter(({ payloads }) => payloads.length > 0);
    expect(withPayloads.length).toBeGreaterThan(8);
    expect(withPayloads.filter(({ held }) => !held)).toEqual([]);
    expect(network.failures).toEqual([]);
  });
});
