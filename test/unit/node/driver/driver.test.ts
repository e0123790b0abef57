import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { blockHash, decodeVote, payloadId, readState, signProposal } from '../../../../chain/index.js';
import { closedRoundCell } from '../../../../contracts/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { decodeMessage, encodeMessage } from '../../../../node/driver/message.js';
import type { Store } from '../../../../node/store/index.js';
import {
  applyCall,
  createTestChain,
  declareCall,
  publishCall,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../../support/chain.js';
import { TestClock } from '../../../support/clock.js';
import { eventually, introduce, openNode, person, tempFolder, writeChain } from '../../../support/network.js';

const folder = await tempFolder();
afterAll(() => folder.remove());

let closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  closing = [];
});

const HEARTBEAT_MS = 3_600_000;

/** A member that does not lead height 1, its clock standing still, and the leader's block of a time ahead of it. */
async function blockAhead(name: string, aheadMs: number, clockAt?: number) {
  const test = createTestChain({
    adjust: (genesis) => ({
      ...genesis,
      params: { ...genesis.params, agreement: { ...genesis.params.agreement, heartbeatMs: HEARTBEAT_MS } },
    }),
  });
  const memory = createMemoryNetwork();
  const clock = new TestClock(clockAt);
  const who = test.validators.find((each) => each !== test.leader())!;
  const transport = memory.transport(who.secret);
  const found = await openNode({ chain: test.chain, who, path: join(folder.path, name), transport, clock });
  const leader = memory.transport(person('who passes it on').secret);
  closing.push(
    () => found.node.close(),
    () => leader.stop(),
  );
  await found.node.start();
  await leader.start();
  introduce([transport, leader]);
  await eventually('the link', () => leader.connectedPeers().length === 1);
  const { block, hash } = test.build([], clock.now() + aheadMs);
  const signature = signProposal(test.chain.chainId, 1, blockHash(block.header), test.leader().secret);
  const send = () =>
    leader.publish('consensus', encodeMessage({ kind: 'proposal', proposal: { block, signature } }));
  const softVote = `vote/0/soft/${bytesToHex(hash)}`;
  const voted = () => found.store.records(1).some(({ key }) => key === softVote);
  /** What is sent and answered by now has been taken in. */
  const settled = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await found.store.putRecords(0, []);
  };
  const { clockDriftMs } = test.genesis.params.agreement;
  return { ...found, clock, send, voted, settled, clockDriftMs };
}

describe('a leader’s block whose time', () => {
  it('is within the drift is voted for at once', async () => {
    const { send, voted } = await blockAhead('drift', 1_000);
    send();
    await eventually('the vote', voted);
  });

  it('is ahead of the clock is held back until it is not', async () => {
    const { send, voted, settled, clock, clockDriftMs } = await blockAhead('ahead', 31_000);
    send();
    await settled();
    clock.advance(31_000 - clockDriftMs - 1);
    await settled();
    expect(voted()).toBe(false);
    clock.advance(1);
    await eventually('the vote', voted);
  });

  const DAY_MS = 86_400_000;
  const genesisTime = createTestChain().genesis.time;

  it('is the earliest there can be is voted for at once, however far the chain is ahead of the clock', async () => {
    const { send, voted } = await blockAhead('earliest', DAY_MS + 1, genesisTime - DAY_MS);
    send();
    await eventually('the vote', voted);
  });

  it('moves a chain that is ahead of the clock further ahead is held back', async () => {
    const late = 31_000;
    const { send, voted, settled, clock, clockDriftMs } = await blockAhead(
      'further',
      late + 2,
      genesisTime - late,
    );
    send();
    await settled();
    clock.advance(late + 2 - clockDriftMs - 1);
    await settled();
    expect(voted()).toBe(false);
    clock.advance(1);
    await eventually('the vote', voted);
  });

  it('is further ahead than a minute is dropped, and taken when it is sent again later', async () => {
    const { send, voted, settled, clock } = await blockAhead('far', 62_000);
    send();
    await settled();
    clock.advance(70_000);
    await settled();
    expect(voted()).toBe(false);
    send();
    await eventually('the vote', voted);
  });
});

/** A store whose writes wait for `disk`, one behind another as the real one's do. */
function slowStore(store: Store, disk: (what: string) => Promise<void>): Store {
  let order: Promise<unknown> = Promise.resolve();
  const behind = <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const written = order.then(() => disk(what)).then(work);
    order = written.catch(() => undefined);
    return written;
  };
  const slow: Partial<Store> = {
    commit: (commit) => behind(`block ${commit.block.header.height}`, () => store.commit(commit)),
    putRecords: (height, records, drop) =>
      behind(`records ${height}`, () => store.putRecords(height, records, drop)),
  };
  return new Proxy(store, {
    get: (target, name: keyof Store) => {
      const value = slow[name] ?? target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The only validator of a chain on a disk that stops at its first block, and what a listener hears of each height. */
async function aloneOnSlowDisk(name: string) {
  const test = createTestChain({ hospitals: 1 });
  const memory = createMemoryNetwork();
  const transport = memory.transport(test.validators[0]!.secret);
  const listener = memory.transport(person('a listener').secret);
  let release: (error: Error | null) => void = () => undefined;
  const asked: string[] = [];
  const disk = (what: string): Promise<void> => {
    asked.push(what);
    if (what !== 'block 1') return Promise.resolve();
    return new Promise((resolve, reject) => {
      release = (error) => (error === null ? resolve() : reject(error));
    });
  };
  const found = await openNode({
    chain: test.chain,
    who: test.validators[0]!,
    path: join(folder.path, name),
    transport,
    wrapStore: (store) => slowStore(store, disk),
  });
  const heard: number[] = [];
  listener.onMessage('consensus', (received) => {
    const message = decodeMessage(received)!;
    if (message.kind === 'proposal') heard.push(message.proposal.block.header.height);
    if (message.kind === 'votes') {
      for (const raw of message.votes) {
        const decoded = decodeVote(test.chain.chainId, raw);
        if (decoded.ok) heard.push(decoded.vote.height);
      }
    }
    return 'accept';
  });
  closing.push(
    () => found.node.close(),
    () => listener.stop(),
  );
  await listener.start();
  await found.node.start();
  introduce([transport, listener]);
  await eventually('the link', () => listener.connectedPeers().length === 1);
  const from = test.devices[0]!;
  const transactions = [0, 1].map((nonce) =>
    test.sign({ from, contract: 'anchor', method: 'put', args: { digest: from.publicKey, memo: '' } }, nonce),
  );
  for (const { transaction } of transactions) {
    const submitted = await found.node.submit(transaction, []);
    if (!submitted.ok) throw new Error(submitted.detail);
    if (transaction.nonce === 0) await eventually('the block', () => asked.includes('block 1'));
  }
  return { ...found, heard, asked, release: (error: Error | null) => release(error) };
}

describe('while a decided block is being written', () => {
  it('the next height begins, and nothing of it leaves before the block is on disk', async () => {
    const { node, heard, asked, release } = await aloneOnSlowDisk('pipelined');
    await eventually('the next height', () => node.agreement().height === 2);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(asked.at(-1)).toBe('block 1');
    expect([node.tip.height, Math.max(...heard)]).toEqual([0, 1]);
    release(null);
    await eventually('the second block', () => node.tip.height === 2);
    await eventually('its votes', () => heard.includes(2));
  });

  it('a disk that fails stops the node, and nothing of the next height leaves', async () => {
    const { node, heard, failures, release } = await aloneOnSlowDisk('failing');
    await eventually('the next height', () => node.agreement().height === 2);
    release(new Error('the disk is full'));
    await eventually('the end', () => failures.length > 0);
    expect(failures[0]!.message).toBe('the disk is full');
    expect([node.tip.height, Math.max(...heard)]).toEqual([0, 1]);
  });
});

describe('while a decided block that execution made a model for is being written', () => {
  it('the next height waits: what is due in it begins from that model', async () => {
    const test = createTestChain({ hospitals: 1 });
    const device = test.devices[0]!;
    test.block([publishCall(test, taskSpec({ devicesMax: 1, quorum: 1 }))]);
    test.block([declareCall(device), applyCall(test, device)]);
    const path = join(folder.path, 'model');
    await writeChain(test, path);
    // The block that opens round 1 makes its model, and takes an update for it: all are there, so its closing is due.
    const opens = `block ${test.tip.height + 1}`;
    const asked: string[] = [];
    let release: () => void = () => undefined;
    const { node, store, failures } = await openNode({
      chain: test.chain,
      who: test.validators[0]!,
      path,
      transport: createMemoryNetwork().transport(test.validators[0]!.secret),
      wrapStore: (inner) =>
        slowStore(inner, async (what) => {
          asked.push(what);
          if (what === opens) await new Promise<void>((resolve) => (release = resolve));
        }),
    });
    closing.push(() => node.close());
    const payload = updateBytes(test, device, 1);
    await store.putPayload(payloadId(payload), payload);
    node.mempool.add(test.sign(updateCall(test, device, 1, payload)), test.state, 0);
    await node.start();
    await eventually('the block', () => asked.includes(opens));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([node.agreement().height, failures]).toEqual([test.tip.height + 1, []]);
    release();
    await eventually('the closing', () => closedRoundCell.get(readState(node.tip.state), 1, 1) !== null);
    expect(closedRoundCell.get(readState(node.tip.state), 1, 1)).toMatchObject({ status: 'closed' });
    expect(failures).toEqual([]);
  });
});
