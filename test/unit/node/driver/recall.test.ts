import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { encodeVote, type Step, signVote } from '../../../../chain/index.js';
import { type Evidence, evidenceFault, nextCommittee } from '../../../../consensus/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import { recallFrom } from '../../../../node/driver/recall.js';
import { WITNESS_BOUNDS, Witness } from '../../../../node/driver/witness.js';
import { openStore, type Store, StoreError } from '../../../../node/store/index.js';
import { tipOf } from '../../../../node/tip.js';
import { createTestChain, type TestChain } from '../../../support/chain.js';
import {
  eventually,
  introduce,
  openNode,
  type Person,
  tempFolder,
  writeChain,
} from '../../../support/network.js';

const folder = await tempFolder();
let closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing) await close();
  closing = [];
});
afterAll(() => folder.remove());

const ERA = 4;

/** Members change their order at every height, their ring at every era. */
function playedChain(height: number): TestChain {
  const test = createTestChain({ params: { eraHeights: ERA } });
  while (test.tip.height < height) test.block([]);
  return test;
}

const test = playedChain(3 * ERA);
const [self, dishonest] = test.validators as [Person, Person];

function statement(height: number, step: Step, value: Uint8Array | null, period = 0) {
  return signVote(test.chain.chainId, { height, period, step, value }, dishonest.publicKey, dishonest.secret);
}

async function stored(name: string): Promise<Store> {
  const path = join(folder.path, name);
  await writeChain(test, path);
  const { chainId, tip } = test.chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
  closing.push(() => store.close());
  return store;
}

/** A witness of a new life on that store; `read` counts the blocks that it looks up. */
function newLife(store: Store, window = 1_000) {
  const found: Evidence[] = [];
  const told: string[] = [];
  const read: number[] = [];
  const counting = new Proxy(store, {
    get: (target, name: keyof Store) =>
      name !== 'block'
        ? target[name]
        : (height: number) => {
            read.push(height);
            return target.block(height);
          },
  });
  const witness = new Witness({
    window,
    onOffence: (evidence) => found.push(evidence),
    before: recallFrom(
      { store: counting, chain: test.chain, log: (_, event) => told.push(event) },
      tipOf(store, test.chain),
    ),
  });
  return { witness, found, told, read };
}

describe('a node that was restarted', () => {
  it.each([
    ['long ago', 1],
    ['just before', test.tip.height],
  ])('accuses a member whose second statement is about a height that was decided %s', async (_, height) => {
    const path = join(folder.path, `restarted-${height}`);
    await writeChain(test, path);
    const memory = createMemoryNetwork();
    const transport = memory.transport(self.secret);
    const { node } = await openNode({ chain: test.chain, who: self, path, transport });
    const other = memory.transport(dishonest.secret);
    closing.push(
      () => node.close(),
      () => other.stop(),
    );
    await node.start();
    await other.start();
    introduce([transport, other]);
    await eventually('the link', () => other.connectedPeers().length === 1);
    // Its cert vote for this height is in the certificate; with it nobody honest says that it saw no quorum.
    const vote = encodeVote(test.chain.chainId, statement(height, 'next', null));
    other.publish('consensus', encodeMessage({ kind: 'votes', votes: [vote] }));
    const accusations = () =>
      node.mempool.oldest(9).filter(({ transaction }) => transaction.contract === 'evidence');
    await eventually('the accusation', () => accusations().length === 1);
    expect(accusations()[0]!.transaction.args).toMatchObject({ accused: dishonest.publicKey, height });
  });
});

describe('a witness in a new life', () => {
  it('knows committee and cert votes of every height as they were, also of heights in former eras', async () => {
    const { witness, found } = newLife(await stored('every'));
    for (let height = 1; height <= test.tip.height; height += 1) {
      const parent = height === 1 ? test.chain.tip : test.blocks[height - 2]!.tip;
      expect(witness.committee(height)).toEqual(nextCommittee(test.chain.rules, parent));
      expect(witness.isNews(statement(height, 'cert', test.blocks[height - 1]!.hash))).toBe(false);
      found.length = 0;
      witness.take(statement(height, 'cert', new Uint8Array(32)));
      expect(found.map((evidence) => evidenceFault(test.chain.chainId, evidence))).toEqual([null]);
    }
  });

  it('takes what is lawful beside a cert vote for no offence', async () => {
    const { witness, found } = newLife(await stored('lawful'));
    const { hash } = test.blocks[1]!;
    witness.take(statement(2, 'soft', new Uint8Array(32)));
    witness.take(statement(2, 'next', hash));
    witness.take(statement(2, 'next', null, 1));
    expect(found).toEqual([]);
  });

  it('looks each height up once, none above where it began and none that evidence is too old for', async () => {
    const { witness, read } = newLife(await stored('once'), 5);
    const { height } = test.tip;
    expect(witness.committee(height + 1)).toBeNull();
    expect(witness.committee(height - 5)).toBeNull();
    expect(read).toEqual([]);
    for (let i = 0; i < 3; i += 1) expect(witness.committee(height - 4)).not.toBeNull();
    expect(read).toEqual([height - 4, height - 5, height - 3]);
    expect(witness.size).toBe(4);
  });

  it('keeps heights in their order, so that the oldest make room', async () => {
    const store = await stored('order');
    const { witness } = newLife(store, 8);
    const { height } = test.tip;
    for (const at of [height, height - 7, height - 3]) expect(witness.committee(at)).not.toBeNull();
    expect(witness.size).toBe(12);
    const work = {
      height: height + 1,
      committee: test.tip.committee,
      indexOf: new Map(),
      machine: { tally: { periods: new Map() } },
      proposals: new Map(),
    };
    witness.decided(work as never, new Uint8Array(32), []);
    expect(witness.size).toBe(8);
    expect(witness.committee(height - 7)).toBeNull();
    expect(witness.committee(height - 3)).not.toBeNull();
    expect(WITNESS_BOUNDS.heights).toBeGreaterThan(8);
  });

  it('goes on where the disk does not give a block, and says so', async () => {
    const store = await stored('damaged');
    const damaged = new Proxy(store, {
      get: (target, name: keyof Store) =>
        name !== 'block'
          ? target[name]
          : (height: number) => {
              if (height === 2) throw new StoreError('damaged', `height ${height} is altered`);
              return target.block(height);
            },
    });
    const { witness, told } = newLife(damaged);
    expect(witness.committee(2)).toBeNull();
    expect(told).toEqual(['votes-not-recalled']);
    expect(bytesToHex(store.head.hash)).toBe(bytesToHex(test.tip.hash));
  });
});
