import { describe, expect, it } from 'vitest';
import { readState, signTransaction, transactionId, verifyTransaction } from '../../../chain/index.js';
import { Mempool } from '../../../node/mempool.js';
import { Relay } from '../../../node/relay.js';
import { person, startChain, testGenesis } from '../../support/network.js';

const chain = startChain(testGenesis(1, 0).genesis);
const state = readState(chain.tip.state);

/** The first transaction of a sender. */
function waiting(sender: string) {
  const { secret, publicKey } = person(sender);
  const call = { contract: 'x', method: 'y', args: {}, payloads: [], level: 0 };
  const signed = signTransaction({ chainId: chain.chainId, from: publicKey, nonce: 0, ...call }, secret);
  const verified = verifyTransaction(signed, chain.chainId);
  if (!verified.ok) throw new Error(verified.reason);
  return { id: transactionId(signed), verified: verified.value };
}

function relay() {
  const mempool = new Mempool();
  const sent: string[] = [];
  return {
    mempool,
    sent,
    relay: new Relay(mempool, (transaction) => sent.push(transactionId(transaction))),
  };
}

describe('the relay of waiting transactions', () => {
  it('sends again what waits from one tick to the next, and not what has just come or gone', () => {
    const { mempool, sent, relay: passed } = relay();
    const [a, b] = [waiting('a'), waiting('b')];
    mempool.add(a.verified, state, 0);
    passed.tick();
    expect(sent).toEqual([]);
    mempool.add(b.verified, state, -1);
    passed.tick();
    expect(sent).toEqual([a.id]);
    mempool.settle([a.id], state);
    passed.tick();
    expect(sent).toEqual([a.id, b.id]);
  });

  it('tells a new link what waits, at once, and never more than its bound', () => {
    const { mempool, sent, relay: passed } = relay();
    for (let i = 0; i < 100; i += 1) mempool.add(waiting(`sender-${i}`).verified, state, 0);
    passed.greet();
    expect(sent.length).toBe(64);
    expect(new Set(sent).size).toBe(64);
  });
});
