import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { blockHash, signProposal } from '../../../../chain/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import { createTestChain } from '../../../support/chain.js';
import { TestClock } from '../../../support/clock.js';
import { eventually, introduce, openNode, person, tempFolder } from '../../../support/network.js';

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
