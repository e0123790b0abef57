import { describe, expect, it } from 'vitest';
import { badMessages, evilPeers, nodeAlone, stateOf, test } from '../../../support/badInput.js';
import { taskSpec } from '../../../support/chain.js';
import { eventually, introduce, sign, testNetwork } from '../../../support/network.js';

describe('bad input', () => {
  it.each([0, 5, 10, 25])(
    'that costs %i points is refused with its reason, and changes nothing',
    async (points) => {
      // So much, or for what costs nothing the least there is, shuts a peer out.
      const found = await nodeAlone({ penaltyDecayPerSecond: 0, penaltyPointsMax: Math.max(1, points) });
      const before = stateOf(found);
      const those = badMessages.filter((bad) => bad.points === points);
      const evil = await evilPeers(
        found.memory,
        those.map(({ what }) => what),
      );
      introduce([found.transport, ...evil]);
      await eventually('the links', () => found.transport.connectedPeers().length === evil.length);
      for (const [i, { what, bytes, metric }] of those.entries()) {
        const { self } = evil[i]!;
        const count = found.node.metrics()[metric] ?? 0;
        evil[i]!.publish('consensus', bytes());
        await eventually(`${what} to be refused`, () => found.node.metrics()[metric] === count + 1);
        const isOut = () => found.errors.some((error) => error.startsWith(`shut out ${self}`));
        if (points > 0) await eventually(`${what} to cost ${points}`, isOut);
        else expect(isOut()).toBe(false);
        expect(found.transport.connectedPeers().includes(self)).toBe(points === 0);
      }
      expect(stateOf(found)).toEqual(before);
      for (const transport of evil) await transport.stop();
      await found.node.close();
      expect(found.failures).toEqual([]);
    },
  );

  it('in a flood on all members ends in a ban, and the chain goes on', async () => {
    const errors: string[] = [];
    const onError = (error: Error) => void errors.push(error.message);
    const network = await testNetwork(test.chain, test.validators, [], {
      onError,
      limits: { banMs: 3_600_000 },
    });
    const [evil] = await evilPeers(network.network, ['a flooder of all']);
    introduce([...network.opened.map(({ transport }) => transport), evil!]);
    await eventually('the links', () => evil!.connectedPeers().length === 4);
    const [first] = network.nodes;
    const junk = badMessages.slice(0, 12).map(({ bytes }) => bytes());
    const spec = taskSpec();
    let flooding = true;
    const flood = (async () => {
      for (let sent = 0; sent < 20_000; sent += 500) {
        for (let i = 0; i < 500; i += 1) evil!.publish('consensus', junk[i % junk.length]!);
        await new Promise((resolve) => setImmediate(resolve));
      }
      flooding = false;
    })();
    let during = 0;
    for (let sent = 0; flooding || sent < 5; sent += 1) {
      const call = { contract: 'tasks', method: 'publish', level: 1, args: { spec } };
      const submitted = await first!.submit(sign(first!, test.publisher, call), []);
      if (!submitted.ok) throw new Error(submitted.detail);
      await eventually('its block', () => !first!.pending(submitted.hash));
      if (flooding) during += 1;
    }
    await flood;
    expect(during).toBeGreaterThan(0);
    for (const { transport, node } of network.opened) {
      expect(transport.connectedPeers().includes(evil!.self)).toBe(false);
      // So many reasons as it takes for a ban, and not one more message was looked at.
      const { refusedMalformed = 0, refusedWrongChain = 0 } = node.metrics();
      expect(refusedMalformed).toBeGreaterThan(0);
      expect(refusedMalformed + refusedWrongChain).toBeLessThan(50);
    }
    expect(errors.filter((error) => error.startsWith(`shut out ${evil!.self}`)).length).toBe(4);
    await evil!.stop();
    await network.close();
    expect(network.failures).toEqual([]);
  }, 120_000);
});
