import { expect, it } from 'vitest';
import { type Block, type Header, parentVotesRoot } from '../../../chain/index.js';
import { judgeBlock } from '../../../consensus/index.js';
import { createTestChain } from '../../support/chain.js';

const test = createTestChain();
test.block([]);
const { block } = test.build([]);

function judged(change: (block: Block) => Block, certified: boolean) {
  const judgement = judgeBlock(
    test.chain.rules,
    test.tip,
    change(block),
    test.closings(),
    test.payloadOf,
    () => null,
    certified,
  );
  return judgement.ok ? null : judgement.reason;
}

const header = (change: Partial<Header>) => (from: Block) => ({
  ...from,
  header: { ...from.header, ...change },
});
const zeros = (bytes: Uint8Array) => bytes.map(() => 0);

it('takes the seed of a certified block from its signers, and of no other', () => {
  const other = header({ seedProof: zeros(block.header.seedProof!) });
  expect([judged(other, false), judged(other, true)]).toEqual(['wrong-seed', null]);
  const none = header({ seedProof: null });
  expect([judged(none, false), judged(none, true)]).toEqual(['wrong-seed', 'wrong-seed']);
});

it('takes the signatures of a certified block’s parent votes from its signers, and of no other', () => {
  const unsigned = (from: Block): Block => {
    const parentVotes = from.parentVotes.map((vote) => ({ ...vote, signature: zeros(vote.signature) }));
    const changed = { ...from, parentVotes };
    return header({ parentVotesRoot: parentVotesRoot(changed) })(changed);
  };
  expect([judged(unsigned, false), judged(unsigned, true)]).toEqual(['wrong-parent-votes', null]);
  const fewer = (from: Block): Block => {
    const changed = { ...from, parentVotes: from.parentVotes.slice(2) };
    return header({ parentVotesRoot: parentVotesRoot(changed) })(changed);
  };
  expect(judged(fewer, true)).toBe('wrong-parent-votes');
});

it('recomputes everything else of a certified block', () => {
  expect(judged((same) => same, true)).toBe(null);
  expect(judged(header({ stateRoot: zeros(block.header.stateRoot) }), true)).toBe('wrong-state');
  expect(judged(header({ leader: test.devices[0]!.publicKey }), true)).toBe('wrong-leader');
  expect(judged((from) => ({ ...from, parentVotes: [] }), true)).toBe('wrong-roots');
});
