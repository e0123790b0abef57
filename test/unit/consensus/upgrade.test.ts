import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import { cell, type Protocol, readState, uint } from '../../../chain/index.js';
import type { Rules } from '../../../consensus/index.js';
import type { RoundOutcome } from '../../../fl/index.js';
import { createTestChain } from '../../support/chain.js';

const UPGRADE_HEIGHT = 3;
const countCell = cell('counter/blocks', uint);

/** Version 2 counts blocks in the state; nothing else differs. */
function withCounter(first: Protocol<RoundOutcome>): Protocol<RoundOutcome> {
  const counter = {
    name: 'counter',
    methods: {},
    beginBlock: ({
      state,
    }: Parameters<NonNullable<Protocol<RoundOutcome>['contracts'][number]['beginBlock']>>[0]) =>
      countCell.set(state, (countCell.get(state) ?? 0) + 1),
  };
  return { ...first, contracts: [...first.contracts, counter] };
}

function upgraded(rules: Rules<RoundOutcome>, from = UPGRADE_HEIGHT): Rules<RoundOutcome> {
  const first = rules.protocols.get(1)!;
  return {
    ...rules,
    protocols: new Map([
      [1, first],
      [2, withCounter(first)],
    ]),
    protocolAt: (height) => (height >= from ? 2 : 1),
  };
}

/** Five blocks, an empty one among those before the upgrade and one among those after it. */
function grow() {
  const test = createTestChain({ rules: (rules) => upgraded(rules) });
  test.block([]);
  test.empty();
  test.block([]);
  test.empty();
  test.block([]);
  return test;
}

function divergenceUnder(test: ReturnType<typeof grow>, rules: Rules<RoundOutcome>) {
  const replay = createReplay({ ...test.chain, rules });
  for (const entry of test.entries) replay.take(entry);
  return replay.report().divergence;
}

describe('an upgrade of the protocol', () => {
  it('takes effect at its height: every block is executed by the rules that its header names', () => {
    const { blocks } = grow();
    expect(blocks.map(({ block }) => block.header.protocol)).toEqual([1, 1, 2, 2, 2]);
    expect(blocks.map(({ tip }) => countCell.get(readState(tip.state)))).toEqual([null, null, 1, 2, 3]);
  });

  it('leaves the blocks before it valid under their own rules, for a replay from genesis too', () => {
    const test = grow();
    expect(divergenceUnder(test, test.chain.rules)).toBeNull();
  });

  it('is found missing, too early or too late by who has another line in the chain spec', () => {
    const test = grow();
    for (const [from, height] of [
      [99, 3],
      [2, 2],
      [4, 3],
      [1, 1],
    ] as const) {
      expect(divergenceUnder(test, upgraded(test.chain.rules, from))).toMatchObject({
        height,
        reason: 'wrong-protocol',
      });
    }
  });

  it('cannot be taken back by a leader', () => {
    const test = grow();
    const { block } = test.build([]);
    const judged = test.judge({ ...block, header: { ...block.header, protocol: 1 } });
    expect(judged).toMatchObject({ ok: false, reason: 'wrong-protocol' });
  });
});
