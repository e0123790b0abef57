// Over 500 lines: every offence goes through the same network and the same helpers.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  encodeVote,
  readState,
  type Step,
  signProposal,
  signTransaction,
  signVote,
  type Vote,
} from '../../../../chain/index.js';
import {
  buildBlock,
  type Evidence,
  evidenceFault,
  nextCommittee,
  proveSeed,
  RING_ERAS_KEPT,
} from '../../../../consensus/index.js';
import { seatOf, setSeat } from '../../../../contracts/index.js';
import { bytesToHex, equalBytes, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { Accuser } from '../../../../node/driver/evidence.js';
import { encodeMessage } from '../../../../node/driver/message.js';
import {
  noOffenceFile,
  type OffenceFile,
  offenceFile,
  PENDING_MAX,
} from '../../../../node/driver/offences.js';
import { WITNESS_BOUNDS, Witness } from '../../../../node/driver/witness.js';
import { Mempool } from '../../../../node/mempool.js';
import type { Node } from '../../../../node/node.js';
import { type ChainOptions, createTestChain, verified } from '../../../support/chain.js';
import {
  eventually,
  type Person,
  sign,
  startChain,
  tempFolder,
  testGenesis,
  testNetwork,
  until,
} from '../../../support/network.js';

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
async function fiveWithOneDishonest(
  isLeader = false,
  left: (chainId: Uint8Array, dishonest: Person) => readonly Evidence[] = () => [],
) {
  const { genesis, validators } = testGenesis(5, 0);
  const params = { ...genesis.params, agreement: { ...genesis.params.agreement, deadlineMs: 600 } };
  const chain = startChain({ ...genesis, params });
  const leader = nextCommittee(chain.rules, chain.tip)[0]!.publicKey;
  const leads = ({ publicKey }: Person) => equalBytes(publicKey, leader);
  const dishonest = validators.find((who) => leads(who) === isLeader)!;
  const honest = validators.filter((who) => who !== dishonest);
  const offences = left(chain.chainId, dishonest);
  const file = { read: () => ({ offences, isDamaged: false }), write: async () => {} };
  const network = await testNetwork(chain, honest, [dishonest], { offences: file });
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

describe('a member whose second vote comes when its height is decided', () => {
  const isPunished = (nodes: readonly Node[], { publicKey }: Person) =>
    nodes.every((node) => seatOf(readState(node.tip.state), publicKey) === 'lost');
  /** A reason for a block. */
  const goOn = async (network: Awaited<ReturnType<typeof fiveWithOneDishonest>>, blocks = 1) => {
    const [node] = network.nodes as [Node];
    const [{ publicKey, secret }] = network.honest as [Person];
    for (let i = 0; i < blocks; i += 1) {
      const { height } = node.tip;
      const call = { contract: 'identity', method: 'remove', args: { publicKey } };
      // Beside those that still wait: on a busy machine empty blocks may come before them.
      const nonce = node.nextNonce(publicKey);
      const { chainId } = network.chain;
      const unsigned = { chainId, level: 0, from: publicKey, nonce, payloads: [], ...call };
      expect(await node.submit(signTransaction(unsigned, secret), [])).toMatchObject({ ok: true });
      for (const each of network.nodes) await until(each, () => each.tip.height > height);
    }
  };

  it.each([
    ['at the tip, one before and one after', 1, ['soft', v], ['soft', w]],
    ['three heights later', 3, ['cert', v], ['next', null]],
  ] as const)('is accused: %s', async (_, blocks, early, late) => {
    const network = await fiveWithOneDishonest();
    const { nodes, dishonest, say, failures } = network;
    say(1, [early]);
    await goOn(network, blocks);
    say(1, [late]);
    // What was lawful then is lawful now: nothing happens to the others, and this one is found by its late vote.
    for (const node of nodes) await until(node, () => isPunished([node], dishonest));
    expect(failures).toEqual([]);
  });

  it('is accused when both came late', async () => {
    const network = await fiveWithOneDishonest();
    await goOn(network, 2);
    network.say(1, [['soft', v]]);
    network.say(1, [['soft', w]]);
    for (const node of network.nodes) await until(node, () => isPunished([node], network.dishonest));
  });

  it('is not accused of late votes that are lawful, nor of the same one again', async () => {
    const network = await fiveWithOneDishonest();
    network.say(1, [['next', null]]);
    await goOn(network, 1);
    for (let i = 0; i < 2; i += 1) {
      network.say(1, [
        ['next', v],
        ['next', w],
        ['soft', w],
      ]);
    }
    await goOn(network, 1);
    expect(accusations(network.nodes)).toEqual([]);
    // They were heard, though: with one of them this is an offence.
    network.say(1, [['soft', v]]);
    for (const node of network.nodes) await until(node, () => isPunished([node], network.dishonest));
  });

  it('is accused of a second block as well', async () => {
    const network = await fiveWithOneDishonest(true);
    const { chain, nodes, transport, dishonest } = network;
    const { proof, seed } = proveSeed(dishonest.vrfSecret, 1, chain.tip.seed);
    const propose = (time: number) => {
      const parts = { leader: dishonest.publicKey, seed, seedProof: proof, parentVotes: [], candidates: [] };
      const draft = { ...parts, time: chain.tip.time + time };
      const { block, hash } = buildBlock(chain.rules, chain.tip, draft, new Map(), () => null);
      const signature = signProposal(chain.chainId, 1, hash, dishonest.secret);
      transport.publish('consensus', encodeMessage({ kind: 'proposal', proposal: { block, signature } }));
    };
    propose(1);
    for (const node of nodes) await until(node, () => node.tip.height >= 1);
    propose(2);
    for (const node of nodes) await until(node, () => isPunished([node], dishonest));
  });
});

it('a node that starts brings on chain what its last life saw', async () => {
  const { nodes, dishonest } = await fiveWithOneDishonest(false, (chainId, { publicKey, secret }) => {
    const [first, second] = [v, w].map((value) => {
      const { signature } = signVote(
        chainId,
        { height: 1, period: 0, step: 'soft', value },
        publicKey,
        secret,
      );
      return { step: 'soft', period: 0, value, signature } as const;
    });
    return [{ accused: publicKey, height: 1, first: first!, second: second! }];
  });
  await until(nodes[0]!, () => seatOf(readState(nodes[0]!.tip.state), dishonest.publicKey) === 'lost');
});

describe('a witness', () => {
  const test = createTestChain({ hospitals: 4 });
  const { chainId } = test.chain;
  const committee = nextCommittee(test.chain.rules, test.chain.tip);
  const indexOf = new Map(committee.map(({ publicKey }, i) => [bytesToHex(publicKey), i]));
  const member = test.validators.find(({ publicKey }) => equalBytes(publicKey, committee[1]!.publicKey))!;
  const voteAt = (height: number, period: number, value = v): Vote =>
    signVote(chainId, { height, period, step: 'soft', value }, member.publicKey, member.secret);
  /** All that a witness takes from a height's work. */
  const decided = (witness: Witness, height: number) =>
    witness.decided(
      {
        height,
        committee,
        indexOf,
        machine: { tally: { periods: new Map() } },
        proposals: new Map(),
      } as never,
      v,
      [],
    );
  const found: Evidence[] = [];
  const witnessOf = (window: number) =>
    new Witness({ window, onOffence: (evidence) => found.push(evidence) });

  it('remembers so many heights, within the window of evidence', () => {
    for (const [window, kept] of [
      [5, 5],
      [1_000_000, WITNESS_BOUNDS.heights],
    ] as const) {
      // biome-ignore format: a table
      const witness = witnessOf(window);
      for (let height = 1; height <= 600; height += 1) decided(witness, height);
      expect(witness.committee(600 - kept)).toBeNull();
      expect(witness.committee(601 - kept)).toBe(committee);
    }
  });

  it('remembers so many votes of a member at a height, and so many in all', () => {
    const witness = witnessOf(1_000_000);
    decided(witness, 1);
    for (let period = 0; period < 100; period += 1) {
      const vote = voteAt(1, period);
      if (witness.isNews(vote)) witness.take(vote);
      expect(witness.isNews(vote)).toBe(false);
    }
    expect(witness.size).toBe(WITNESS_BOUNDS.votesOfMember);
    const full = witnessOf(1_000_000);
    const periods = new Map(
      Array.from({ length: 200 }, (_, period) => {
        const votes = [{ ...voteAt(1, period), member: 1, value: 'v', signature: '' }];
        return [period, { soft: { votes }, cert: { votes: [] }, next: { votes: [] } }];
      }),
    );
    for (let height = 1; height <= 400; height += 1) {
      const work = {
        height,
        committee,
        indexOf,
        machine: { tally: { periods } },
        proposals: new Map(),
        announced: new Set(),
      };
      full.decided(work as never, v, []);
      expect(full.size).toBeLessThanOrEqual(WITNESS_BOUNDS.votes);
    }
    expect(full.size).toBeGreaterThan(WITNESS_BOUNDS.votes - 200);
    expect(full.committee(400)).toBe(committee);
  });

  it('hears what the machine was about to be told when its height was decided', () => {
    const witness = witnessOf(1_000);
    const proposals = new Map([v, w].map((value) => [bytesToHex(value), { signature: value }]));
    const work = {
      height: 1,
      committee,
      indexOf,
      machine: { tally: { periods: new Map() } },
      proposals,
      announced: new Set([bytesToHex(v)]),
    } as never;
    witness.decided(work, v, []);
    found.length = 0;
    const [first, second] = [v, w].map((value) => {
      const { signature } = voteAt(1, 0, value);
      const vote = { height: 1, period: 0, step: 'soft', member: 1, value: bytesToHex(value) } as const;
      return { ...vote, signature: bytesToHex(signature) };
    });
    witness.missed(work, { kind: 'vote', vote: first! });
    witness.missed(work, { kind: 'votes', votes: [first!, second!] });
    expect(found.map((evidence) => evidenceFault(chainId, evidence))).toEqual([null]);
    witness.missed(work, { kind: 'proposal', value: bytesToHex(w), payloadBytes: 0 });
    expect(found[1]).toMatchObject({ first: { step: 'propose', value: v }, second: { value: w } });
  });

  it('knows the certificate of a height that it did not decide itself', () => {
    const witness = witnessOf(1_000);
    const cert = signVote(
      chainId,
      { height: 1, period: 0, step: 'cert', value: v },
      member.publicKey,
      member.secret,
    );
    const { voter, signature } = cert;
    witness.decided(
      {
        height: 1,
        committee,
        indexOf,
        machine: { tally: { periods: new Map() } },
        proposals: new Map(),
      } as never,
      v,
      [{ voter, period: 0, signature }],
    );
    expect(witness.isNews(cert)).toBe(false);
    found.length = 0;
    witness.take(
      signVote(chainId, { height: 1, period: 0, step: 'next', value: null }, member.publicKey, member.secret),
    );
    expect(found.map((evidence) => evidenceFault(chainId, evidence))).toEqual([null]);
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
    const accuserOf = (who: Person, file: OffenceFile = noOffenceFile) =>
      new Accuser({
        chainId: test.chain.chainId,
        keys: who,
        tip: () => test.tip,
        mempool,
        isOnChain: (hash) => onChain.has(bytesToHex(hash)),
        submit: async (transaction) => take(transaction),
        file,
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

  it('takes up after a crash what is not on chain yet, and forgets what is', async () => {
    const folder = await tempFolder();
    close = folder.remove;
    const file = offenceFile(join(folder.path, 'offences'));
    const { test, self, accused, other, sent, accuserOf, guilt, commit, quiet, setFull } = setting();
    setFull(true);
    accuserOf(self, file).report(guilt(accused, 1));
    await eventually('the file', () => file.read().offences.length === 1);
    expect(sent).toHaveLength(0);
    // The process is gone; the next one has the file alone.
    setFull(false);
    const next = accuserOf(self, file);
    next.settle();
    await eventually('the accusation', () => sent.length === 1);
    commit();
    expect(seatOf(test.state, accused.publicKey)).toBe('lost');
    next.settle();
    await eventually('the file to be empty', () => file.read().offences.length === 0);
    next.report(guilt(other, 1));
    await eventually('the other one', () => file.read().offences.length === 1);
    expect(file.read().offences).toEqual([guilt(other, 1)]);
    await quiet();
  });

  it('begins anew, and says so, when its file is damaged', async () => {
    const folder = await tempFolder();
    close = folder.remove;
    const path = join(folder.path, 'offences');
    const { self, accused, accuserOf, guilt } = setting();
    const file = offenceFile(path);
    await file.write([guilt(accused, 1)]);
    const whole = readFileSync(path);
    for (const at of [3, 40, whole.length - 1]) {
      writeFileSync(
        path,
        whole.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      expect(file.read()).toEqual({ offences: [], isDamaged: true });
    }
    writeFileSync(path, whole.subarray(0, 20));
    expect(file.read()).toEqual({ offences: [], isDamaged: true });
    const accuser = accuserOf(self, file);
    accuser.report(guilt(accused, 1));
    await eventually('the file', () => file.read().offences.length === 1);
  });

  it('keeps no more than so many', async () => {
    const folder = await tempFolder();
    close = folder.remove;
    const file = offenceFile(join(folder.path, 'offences'));
    const { accused, guilt } = setting();
    await file.write(new Array(PENDING_MAX + 5).fill(guilt(accused, 1)));
    expect(file.read().offences).toHaveLength(PENDING_MAX);
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
