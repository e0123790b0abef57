import { afterEach, describe, expect, it } from 'vitest';
import {
  encodeVote,
  readState,
  type Step,
  signProposal,
  signVote,
  type Vote,
} from '../../../../chain/index.js';
import {
  buildBlock,
  type Evidence,
  nextCommittee,
  proveSeed,
  RING_ERAS_KEPT,
} from '../../../../consensus/index.js';
import { seatOf, setSeat } from '../../../../contracts/index.js';
import { bytesToHex, equalBytes, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { Accuser } from '../../../../node/driver/evidence.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import { Mempool } from '../../../../node/mempool.js';
import type { Node } from '../../../../node/node.js';
import { type ChainOptions, createTestChain, verified } from '../../../support/chain.js';
import { type Person, sign, startChain, testGenesis, testNetwork, until } from '../../../support/network.js';

const v = sha256(utf8ToBytes('v'));
const w = sha256(utf8ToBytes('w'));

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

const accusations = (nodes: readonly Node[]) =>
  nodes.flatMap((node) =>
    node.mempool
      .oldest(node.mempool.size)
      .filter(({ transaction }) => transaction.contract === 'evidence')
      .map(({ hash }) => bytesToHex(hash)),
  );

/** The dishonest one has no node: the test speaks for it. `isLeader`: it leads height 1. */
async function fiveWithOneDishonest(isLeader = false) {
  const { genesis, validators } = testGenesis(5, 0);
  const params = { ...genesis.params, agreement: { ...genesis.params.agreement, deadlineMs: 600 } };
  const chain = startChain({ ...genesis, params });
  const leader = nextCommittee(chain.rules, chain.tip)[0]!.publicKey;
  const leads = ({ publicKey }: Person) => equalBytes(publicKey, leader);
  const dishonest = validators.find((who) => leads(who) === isLeader)!;
  const honest = validators.filter((who) => who !== dishonest);
  const network = await testNetwork(chain, honest, [dishonest]);
  close = network.close;
  const [transport] = network.outsiders;
  const say = (height: number, said: readonly (readonly [Step, Uint8Array | null])[]): void => {
    const votes = said.map(([step, value]): Vote => {
      const unsigned = { height, period: 0, step, value };
      return signVote(chain.chainId, unsigned, dishonest.publicKey, dishonest.secret);
    });
    const wire = votes.map((vote) => encodeVote(chain.chainId, vote));
    transport!.publish('consensus', encodeMessage({ kind: 'votes', votes: wire }));
  };
  await until(network.nodes[0]!, () => transport!.connectedPeers().length === honest.length);
  return { ...network, chain, transport: transport!, honest, dishonest, say };
}

describe('a member that votes for two blocks', () => {
  it('is accused by those who saw it, and its seat goes', async () => {
    const { nodes, honest, dishonest, say, failures } = await fiveWithOneDishonest();
    say(1, [
      ['soft', v],
      ['soft', w],
    ]);
    const isPunished = (node: Node) => seatOf(readState(node.tip.state), dishonest.publicKey) === 'lost';
    for (const node of nodes) await until(node, () => isPunished(node));
    // Nobody goes on accusing: what still waits says the same, and settles in the next blocks.
    await until(nodes[0]!, () => accusations(nodes).length === 0);
    say(nodes[0]!.tip.height + 1, [
      ['cert', v],
      ['next', null],
    ]);
    // Another reason for a block, so that they agree on the height at which it offended.
    const { height } = nodes[0]!.tip;
    const call = {
      contract: 'identity',
      method: 'remove',
      level: 0,
      args: { publicKey: dishonest.publicKey },
    };
    expect(await nodes[0]!.submit(sign(nodes[0]!, honest[0]!, call), [])).toMatchObject({ ok: true });
    for (const node of nodes) await until(node, () => node.tip.height > height);
    expect(accusations(nodes)).toEqual([]);
    expect(failures).toEqual([]);
  });

  it('is not accused of what is lawful', async () => {
    const { nodes, dishonest, say, failures } = await fiveWithOneDishonest();
    // Several next values in a period, and next before soft for another value: an honest one may sign all of these.
    say(1, [
      ['next', null],
      ['next', v],
      ['next', w],
      ['soft', v],
    ]);
    // The members have heard the four votes when they take the fifth, an offence: only that one is accused.
    say(1, [['soft', w]]);
    for (const node of nodes) {
      await until(node, () => seatOf(readState(node.tip.state), dishonest.publicKey) === 'lost');
    }
    expect(failures).toEqual([]);
  });
});

describe('a leader that makes two blocks', () => {
  it('is accused by those who saw them, and its seat goes', async () => {
    const { nodes, chain, transport, dishonest, failures } = await fiveWithOneDishonest(true);
    const { proof, seed } = proveSeed(dishonest.vrfSecret, 1, chain.tip.seed);
    for (const time of [1, 2]) {
      const draft = {
        time: chain.tip.time + time,
        leader: dishonest.publicKey,
        seed,
        seedProof: proof,
        parentVotes: [],
        candidates: [],
      };
      const { block, hash } = buildBlock(chain.rules, chain.tip, draft, new Map(), () => null);
      const signature = signProposal(chain.chainId, 1, hash, dishonest.secret);
      transport.publish('consensus', encodeMessage({ kind: 'proposal', proposal: { block, signature } }));
    }
    for (const node of nodes) {
      await until(node, () => seatOf(readState(node.tip.state), dishonest.publicKey) === 'lost');
    }
    expect(failures).toEqual([]);
  });
});

describe('an accuser', () => {
  /** An accuser beside a real mempool and chain; what it submits is taken as a node takes it. */
  function setting(options: ChainOptions = {}) {
    const test = createTestChain({ hospitals: 6, params: { eraHeights: 1 }, ...options });
    const [self, accused, other] = test.validators as [Person, Person, Person];
    const mempool = new Mempool();
    const onChain = new Set<string>();
    const sent: { nonce: number; hash: string }[] = [];
    let full = false;
    const take = (transaction: Parameters<ConstructorParameters<typeof Accuser>[0]['submit']>[0]) => {
      const checked = verified(transaction, test.chain.chainId);
      const refused = full ? 'mempool-full' : mempool.add(checked, test.state, 0);
      if (refused === null) sent.push({ nonce: transaction.nonce, hash: bytesToHex(checked.hash) });
      return refused === null
        ? { ok: true as const, hash: checked.hash }
        : { ok: false as const, code: 'wrong-nonce' as const, detail: refused };
    };
    const accuserOf = (who: Person) =>
      new Accuser({
        chainId: test.chain.chainId,
        keys: who,
        tip: () => test.tip,
        mempool,
        isOnChain: (hash) => onChain.has(bytesToHex(hash)),
        submit: async (transaction) => take(transaction),
        log: () => {},
      });
    const guilt = (who: Person, height: number): Evidence => {
      const said = (value: Uint8Array) => {
        const { signature } = signVote(
          test.chain.chainId,
          { height, period: 0, step: 'soft', value },
          who.publicKey,
          who.secret,
        );
        return { step: 'soft', period: 0, value, signature } as const;
      };
      return { accused: who.publicKey, height, first: said(v), second: said(w) };
    };
    /** The next block takes what waits. */
    const commit = () => {
      const judged = test.adopt(test.build(mempool.candidates(test.state)));
      const hashes = judged.executed.receipts.flatMap(({ transaction }) =>
        transaction === null ? [] : [bytesToHex(transaction)],
      );
      for (const hash of hashes) onChain.add(hash);
      mempool.settle(hashes, test.state);
      return judged;
    };
    const quiet = () => new Promise((resolve) => setImmediate(resolve));
    const setFull = (value: boolean) => {
      full = value;
    };
    return { test, self, accused, other, mempool, sent, accuserOf, guilt, commit, quiet, setFull };
  }

  it('sends once, and not again: not while it waits, nor when it is on chain', async () => {
    const { test, self, accused, sent, accuserOf, guilt, commit, quiet } = setting();
    const accuser = accuserOf(self);
    accuser.report(guilt(accused, 1));
    accuser.report(guilt(accused, 1));
    accuser.settle();
    await quiet();
    expect(sent).toHaveLength(1);
    expect(commit().executed.receipts[1]).toMatchObject({ ok: true });
    expect(seatOf(test.state, accused.publicKey)).toBe('lost');
    accuser.settle();
    accuser.report(guilt(accused, 1));
    await quiet();
    expect(sent).toHaveLength(1);
  });

  it('sends nothing while the accusation of another waits, and nothing when that one is on chain', async () => {
    const { self, accused, other, sent, accuserOf, guilt, commit, quiet } = setting();
    accuserOf(other).report(guilt(accused, 1));
    await quiet();
    const late = accuserOf(self);
    late.report(guilt(accused, 1));
    await quiet();
    expect(sent).toHaveLength(1);
    commit();
    late.settle();
    await quiet();
    expect(sent).toHaveLength(1);
  });

  it('takes the nonces beside the account’s other transactions, each once', async () => {
    const { test, self, accused, other, mempool, sent, accuserOf, guilt, commit, quiet } = setting();
    const own = { from: self, contract: 'identity', method: 'remove', args: { publicKey: other.publicKey } };
    mempool.add(test.sign(own), test.state, 0);
    const accuser = accuserOf(self);
    accuser.report(guilt(accused, 1));
    accuser.report(guilt(other, 1));
    await quiet();
    expect(sent.map(({ nonce }) => nonce)).toEqual([1, 2]);
    expect(commit().executed.receipts.every(({ ok }) => ok)).toBe(true);
  });

  it('signs anew when another transaction took its nonce first', async () => {
    const { test, self, accused, other, mempool, sent, accuserOf, guilt, quiet } = setting();
    const accuser = accuserOf(self);
    accuser.report(guilt(accused, 1));
    await quiet();
    // A transaction of the same nonce that another node had is in the block instead.
    test.block([
      { from: self, contract: 'identity', method: 'remove', args: { publicKey: other.publicKey } },
    ]);
    mempool.settle([], test.state);
    accuser.settle();
    await quiet();
    expect(sent.map(({ nonce }) => nonce)).toEqual([0, 1]);
  });

  it('tries again after a block when it was not taken, and gives up when nobody can be punished any more', async () => {
    const { test, self, accused, sent, accuserOf, guilt, quiet, setFull } = setting();
    const accuser = accuserOf(self);
    setFull(true);
    accuser.report(guilt(accused, 1));
    await quiet();
    expect(sent).toHaveLength(0);
    for (let i = 0; i < RING_ERAS_KEPT + 2; i += 1) test.block([]);
    setFull(false);
    accuser.settle();
    await quiet();
    expect(sent).toHaveLength(0);
    accuser.report(guilt(accused, test.tip.height));
    await quiet();
    expect(sent).toHaveLength(1);
  });

  it('accuses neither itself nor a validator whose seat is gone', async () => {
    const { self, accused, sent, accuserOf, guilt, quiet } = setting({
      write: (state, { validators }) => setSeat(state, validators[1]!.publicKey, 'lost'),
    });
    const accuser = accuserOf(self);
    accuser.report(guilt(self, 1));
    accuser.report(guilt(accused, 1));
    await quiet();
    expect(sent).toHaveLength(0);
  });
});
