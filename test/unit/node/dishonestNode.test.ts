import { afterEach, describe, expect, it } from 'vitest';
import { method, type Protocol, readState } from '../../../chain/index.js';
import type { Rules } from '../../../consensus/index.js';
import { applicationsCell, applicationsOf, newestProtocol, taskCountCell } from '../../../contracts/index.js';
import type { RoundOutcome } from '../../../fl/index.js';
import { startChain } from '../../../genesis/index.js';
import { joinBatch } from '../../../net/index.js';
import { packEnvelope } from '../../../node/envelope.js';
import { anchorCall } from '../../support/accounts.js';
import {
  type Call,
  type ChainOptions,
  createTestChain,
  publicTask,
  publishCall,
} from '../../support/chain.js';
import { askCall, contentCall, readerKeys, sealFor } from '../../support/gate.js';
import { type Person, sign, testGenesis, testNetwork, until } from '../../support/network.js';

/*
 * A node that lets its devices apply for tasks of any level: it passes their transactions on, and where it leads it puts
 * them into blocks, with or without a receipt that says they were taken.
 */

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

/** Hospital 1's device is of level 2, the tasks are of level 1. */
const adjust: ChainOptions['adjust'] = (genesis) => ({
  ...genesis,
  accounts: genesis.accounts.map((account) =>
    account.name === 'hospital-1-device-1' ? { ...account, level: 2 } : account,
  ),
});

/** Its own rules: whoever asks is taken in. */
function lax(rules: Rules<RoundOutcome>): Rules<RoundOutcome> {
  const first = rules.protocols.get(newestProtocol)!;
  const contracts = first.contracts.map((contract) => {
    if (contract.name !== 'tasks') return contract;
    const { args } = contract.methods.ask!;
    const ask = method<RoundOutcome, never>(args as never, (scope, { task, key }: never) => {
      const row = { provider: scope.sender, key, status: 'waiting', reason: null, done: false } as const;
      applicationsCell.set(scope.state, [row], task);
      scope.emit('asked', { task, provider: scope.sender });
      return null;
    });
    return { ...contract, methods: { ...contract.methods, ask } };
  });
  const changed: Protocol<RoundOutcome> = { ...first, contracts };
  return { ...rules, protocols: new Map([[newestProtocol, changed]]) };
}

describe('an application for a task of another level', () => {
  it('that a dishonest leader puts into its block is refused there by every node', () => {
    const test = createTestChain({ adjust });
    test.block([contentCall(test, sealFor(test, [readerKeys().publicKey]))]);
    const [device] = test.devices as [Person];
    const { receipts } = test.block([askCall(device, readerKeys().publicKey)]).executed;
    expect(receipts[1]).toMatchObject({ ok: false, code: 'wrong-level' });
    expect(applicationsOf(test.state, 1)).toEqual([]);
  });

  it('that a dishonest leader takes makes its block invalid', () => {
    const content = sealFor(createTestChain({ adjust }), [readerKeys().publicKey]);
    const honest = createTestChain({ adjust });
    const dishonest = createTestChain({ adjust, rules: lax });
    for (const test of [honest, dishonest]) test.block([contentCall(test, content)]);
    const ask = dishonest.sign(askCall(dishonest.devices[0]!, readerKeys().publicKey));
    const { block, executed } = dishonest.build([ask]);
    expect(executed.receipts[1]).toMatchObject({ ok: true });
    expect(honest.judge(block)).toMatchObject({ ok: false, reason: 'wrong-receipts' });
  });

  it('that a dishonest node passes on stays out of every honest mempool', async () => {
    const { genesis, validators, devices, publisher } = testGenesis(4, 1);
    const chain = startChain(adjust!(genesis));
    const [dishonest, ...honest] = validators as [Person, ...Person[]];
    const network = await testNetwork(chain, honest, [dishonest]);
    close = network.close;
    const { nodes } = network;
    const [transport] = network.outsiders;
    await until(nodes[0]!, () => transport!.connectedPeers().length === honest.length);
    const signed = ({ from, contract, method: name, args, level = 0 }: Call) =>
      sign(nodes[0]!, from, { contract, method: name, args, level });
    await nodes[0]!.submit(signed(publishCall({ publisher } as never, publicTask())), []);
    for (const node of nodes) await until(node, () => taskCountCell.get(readState(node.tip.state)) === 1);
    const [device, other] = devices as [Person, Person];
    const wrong = signed(askCall(device, readerKeys().publicKey));
    const lawful = signed(anchorCall(other));
    for (const transaction of [wrong, lawful])
      transport!.publish('transactions', joinBatch([packEnvelope(transaction, () => null)]));
    // What came after it is on chain everywhere: it itself is nowhere.
    for (const node of nodes)
      await until(node, () => node.nextNonce(other.publicKey) > 0 && node.mempool.size === 0);
    for (const node of nodes) {
      expect(node.nextNonce(other.publicKey)).toBe(1);
      expect(node.nextNonce(device.publicKey)).toBe(0);
    }
  }, 60_000);
});
