import { describe, expect, it } from 'vitest';
import { bytesToHex, vrfPublicKeyOf } from '../../../../crypto/index.js';
import type { RpcContext } from '../../../../node/rpc/index.js';
import { validatorList } from '../../../../node/rpc/methods/validatorList.js';
import { createTestChain } from '../../../support/chain.js';
import { type Person, person } from '../../../support/genesis.js';

describe('validator.list', () => {
  it('tells seats, weights on both rings, and what waits for approvals', async () => {
    const test = createTestChain({ hospitals: 5, params: { eraHeights: 4 } });
    const [a, b, c, d, leaving] = test.validators as [Person, Person, Person, Person, Person];
    const fifth = person('newcomer');
    test.validators.push(fifth);
    const call = (from: Person, method: string, args: unknown) => ({
      from,
      contract: 'identity',
      method,
      args,
    });
    const joins = {
      publicKey: fifth.publicKey,
      vrfPublicKey: vrfPublicKeyOf(fifth.vrfSecret),
      name: fifth.name,
      hospital: 'a new one',
    };
    test.block([a, b, c, d].map((who) => call(who, 'add', joins)));
    test.block([call(a, 'remove', { publicKey: leaving.publicKey }), call(b, 'approve', { proposal: 2 })]);
    const list = async () => {
      const context = { head: () => test.tip } as unknown as RpcContext;
      const scope = { context, fromLoopback: true, waitsUntil: 0, signal: new AbortController().signal };
      return validatorList.result.parse(await validatorList.run(scope, {}));
    };
    const hex = (who: Person) => bytesToHex(who.publicKey);
    const early = await list();
    expect(early).toMatchObject({ height: 2, era: 0, eraHeights: 4, approvalsNeeded: 5 });
    expect(early.validators).toHaveLength(6);
    const of = (answer: typeof early, who: Person) =>
      answer.validators.find(({ publicKey }) => publicKey === hex(who));
    expect(of(early, a)).toMatchObject({ seat: 'held', points: 100, weight: 100, nextWeight: 100 });
    expect(of(early, fifth)).toEqual({
      ...{ publicKey: hex(fifth), vrfPublicKey: bytesToHex(joins.vrfPublicKey) },
      ...{
        name: 'newcomer',
        hospital: 'a new one',
        seat: 'held',
        points: 100,
        weight: null,
        nextWeight: null,
      },
    });
    expect(early.proposals).toMatchObject([
      { proposal: 2, action: 'remove', publicKey: hex(leaving), candidate: null, proposer: hex(a) },
    ]);
    expect(early.proposals[0]!.approvals).toEqual([hex(a), hex(b)].sort());
    test.block([c, d, fifth].map((who) => call(who, 'approve', { proposal: 2 })));
    test.block([]);
    const later = await list();
    expect(later.proposals).toEqual([]);
    expect(of(later, leaving)).toMatchObject({ seat: 'lost', weight: 100, nextWeight: null });
    expect(of(later, fifth)).toMatchObject({ seat: 'held', weight: null, nextWeight: 100 });
  });
});
