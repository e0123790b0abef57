import { describe, expect, it } from 'vitest';
import { readState } from '../../../chain/index.js';
import {
  ACCOUNTS_MAX,
  accountCell,
  accountOf,
  closedRoundCell,
  enrolledCell,
  KEYS_MAX,
  ledgerCell,
  membersCell,
  membersOf,
  openProposalsOf,
  ownerOf,
  roundCell,
  seatOf,
  standingOf,
  validatorOf,
} from '../../../contracts/index.js';
import { bytesToHex, vrfPublicKeyOf } from '../../../crypto/index.js';
import {
  admitCall,
  anchorCall,
  barOf,
  recoverCall,
  reinstateCall,
  rotateCall,
  suspendCall,
  voteCall,
} from '../../support/accounts.js';
import {
  applyCall,
  type Call,
  createTestChain,
  dataset,
  declareCall,
  playRound,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../support/chain.js';
import { type Person, person } from '../../support/genesis.js';

const ward = person('ward-9');
const eventsOf = (test: TestChain) =>
  test.blocks
    .at(-1)!
    .executed.receipts.flatMap(({ events }) =>
      events.filter(({ contract }) => contract === 'identity').map(({ kind }) => kind),
    );
const statusOf = (test: TestChain, who: Person) => accountOf(test.state, who.publicKey)?.status;
const codesOf = (test: TestChain, calls: readonly Call[]) =>
  test
    .block(calls)
    .executed.receipts.slice(1)
    .map(({ code }) => code);
/** More than two thirds of four seats say the same. */
const three = (test: TestChain, call: (by: Person) => Call) =>
  test.block(test.validators.slice(0, 3).map(call));

describe('admission', () => {
  it('by the own hospital takes effect at once, and the device may take part', () => {
    const test = createTestChain();
    const [hospital] = test.validators as [Person];
    expect(barOf(test, anchorCall(ward))).toBe('unknown-sender');
    expect(test.refusal(admitCall(test, hospital, ward, { area: 'icu' }))).toBeNull();
    expect(eventsOf(test)).toEqual(['admitted']);
    expect(accountOf(test.state, ward.publicKey)).toEqual({
      role: 'device',
      name: 'ward-9',
      hospital: 'hospital-1',
      level: 1,
      area: 'icu',
      vrfPublicKey: null,
      publicKey: ward.publicKey,
      keys: 1,
      status: 'active',
      changedHeight: test.tip.height,
    });
    const names = membersOf(test.state, 'hospital-1', null, 9).map(({ account }) => account.name);
    expect(names).toEqual(['ward-9', 'hospital-1-device-1', 'hospital-1'].sort(byAdmission(test)));
    test.block([publishCall(test, taskSpec({ devicesMax: 5 }))]);
    expect(test.refusal(declareCall(ward))).toBeNull();
    expect(test.refusal(applyCall(test, ward, {}, hospital))).toBeNull();
    expect(enrolledCell.get(test.state, 1)!.map(({ device }) => device)).toEqual([ward.publicKey]);
  });

  it.each([
    ['of another hospital', { hospital: 'hospital-4' }],
    ['above the level that a hospital admits at', { level: 2 }],
    ['of a publisher that no hospital answers for', { role: 'publisher', hospital: '', level: 0 }],
  ])('%s takes more than two thirds of the seats', (_, change) => {
    const test = createTestChain();
    const [a, b, c] = test.validators as [Person, Person, Person];
    const call = (by: Person) => admitCall(test, by, ward, { hospital: a.name, ...change });
    test.block([call(a)]);
    expect(eventsOf(test)).toEqual(['proposed', 'approved']);
    test.block([call(b)]);
    expect(accountOf(test.state, ward.publicKey)).toBeNull();
    test.block([voteCall(c, 'approve', 1)]);
    expect(eventsOf(test)).toEqual(['approved', 'admitted']);
    expect(accountOf(test.state, ward.publicKey)).toMatchObject(change);
    expect(barOf(test, anchorCall(ward))).toBeNull();
  });

  it('by the own hospital ends the vote on it', () => {
    const test = createTestChain();
    const [a, b] = test.validators as [Person, Person];
    test.block([admitCall(test, a, ward, { hospital: b.name })]);
    expect(openProposalsOf(test.state)).toHaveLength(1);
    test.block([admitCall(test, b, ward)]);
    expect(eventsOf(test)).toEqual(['admitted', 'settled']);
    expect(openProposalsOf(test.state)).toEqual([]);
    expect(accountOf(test.state, ward.publicKey)!.hospital).toBe(b.name);
  });

  it('refuses what does not fit, and leaves nothing', () => {
    const test = createTestChain();
    const [hospital, other] = test.validators as [Person, Person];
    const [device] = test.devices as [Person];
    const before = test.tip.state;
    const cases: readonly (readonly [string, Call])[] = [
      ['not-a-validator', admitCall(test, device, ward, { hospital: 'hospital-1' })],
      ['not-a-validator', admitCall(test, test.publisher, ward, { hospital: 'hospital-1' })],
      ['key-taken', admitCall(test, hospital, device, { name: 'new' })],
      ['key-taken', admitCall(test, hospital, other, { name: 'new' })],
      ['name-taken', admitCall(test, hospital, ward, { name: device.name })],
      ['no-name', admitCall(test, hospital, ward, { name: '' })],
      ['no-such-hospital', admitCall(test, hospital, ward, { hospital: 'nowhere' })],
      ['no-such-hospital', admitCall(test, hospital, ward, { hospital: '' })],
      ['level-out-of-range', admitCall(test, hospital, ward, { level: 0 })],
      ['level-out-of-range', admitCall(test, hospital, ward, { level: 10 })],
      ['not-held', admitCall(test, hospital, ward, { possession: new Uint8Array(64) })],
      ['not-held', withArgs(admitCall(test, hospital, ward), { hospital: 'hospital-2' })],
      ['malformed-args', admitCall(test, hospital, ward, { role: 'validator' })],
      ['malformed-args', admitCall(test, hospital, ward, { role: 'doctor' })],
      ['malformed-args', admitCall(test, hospital, ward, { level: 256 })],
      ['malformed-args', admitCall(test, hospital, ward, { level: -1 })],
      ['malformed-args', withArgs(admitCall(test, hospital, ward), { name: 'x'.repeat(65) })],
      ['malformed-args', withArgs(admitCall(test, hospital, ward), { area: 7 })],
      ['malformed-args', withArgs(admitCall(test, hospital, ward), { more: true })],
    ];
    for (const [code, call] of cases) {
      const { block, executed } = test.build([test.sign(call)]);
      expect(block.transactions).toHaveLength(1);
      expect([code, executed.receipts[1]!.code]).toEqual([code, code]);
      const untouched = accountOf(readState(executed.state), ward.publicKey);
      expect(untouched).toBeNull();
    }
    expect(test.tip.state).toBe(before);
  });

  it('of one key by two hospitals in one block goes to the first', () => {
    const test = createTestChain();
    const [a, b] = test.validators as [Person, Person];
    expect(codesOf(test, [admitCall(test, a, ward), admitCall(test, b, ward)])).toEqual([null, 'key-taken']);
    expect(accountOf(test.state, ward.publicKey)!.hospital).toBe(a.name);
  });

  it('is bounded for each hospital, and a list of its accounts comes in pages', () => {
    const full = createTestChain({
      write: (state) => membersCell.set(state, { count: ACCOUNTS_MAX, newest: 'x' }, 'hospital-1'),
    });
    const [a, b] = full.validators as [Person, Person];
    expect(full.refusal(admitCall(full, a, ward))).toBe('too-many-accounts');
    expect(full.refusal(admitCall(full, b, ward))).toBeNull();
    const names = (from: string | null, max: number) =>
      membersOf(full.state, b.name, from, max).map(({ account }) => account.name);
    const all = names(null, 9);
    expect(all).toHaveLength(3);
    expect(names(null, 2)).toEqual(all.slice(0, 2));
    expect(names(all[2]!, 2)).toEqual(all.slice(2));
    expect(names('nobody', 9)).toEqual([]);
  });

  it('cannot be replayed: the signature names chain, account and hospital', () => {
    const test = createTestChain();
    const elsewhere = createTestChain({ adjust: (genesis) => ({ ...genesis, name: 'another' }) });
    const [a, b] = test.validators as [Person, Person];
    const mine = admitCall(test, a, ward).args as object;
    const stolen = { ...admitCall(test, b, ward), args: { ...mine, hospital: b.name } };
    expect(test.refusal(stolen)).toBe('not-held');
    expect(elsewhere.refusal({ ...admitCall(test, a, ward), args: mine })).toBe('not-held');
    expect(test.refusal({ ...admitCall(test, a, ward), args: mine })).toBeNull();
  });
});

describe('suspension', () => {
  it('keeps every transaction of the account out of blocks until it is reinstated', () => {
    const test = createTestChain();
    const [hospital] = test.validators as [Person];
    const [device] = test.devices as [Person];
    test.block([suspendCall(hospital, device.publicKey)]);
    expect(eventsOf(test)).toEqual(['suspended']);
    expect(statusOf(test, device)).toBe('suspended');
    for (const call of [
      anchorCall(device),
      declareCall(device),
      rotateCall(test, device, ward, 'hospital-1'),
    ])
      expect(barOf(test, call)).toBe('suspended');
    expect(test.build([test.sign(anchorCall(device))]).block.transactions).toEqual([]);
    expect(test.refusal(suspendCall(hospital, device.publicKey))).toBe('already-suspended');
    expect(test.refusal(reinstateCall(hospital, device.publicKey))).toBeNull();
    expect(eventsOf(test)).toEqual(['reinstated']);
    expect(test.refusal(reinstateCall(hospital, device.publicKey))).toBe('not-suspended');
    expect(barOf(test, anchorCall(device))).toBeNull();
  });

  it('takes effect inside the block: what the account sent before it stands, what comes after it does not', () => {
    const test = createTestChain();
    const [hospital] = test.validators as [Person];
    const [device] = test.devices as [Person];
    const signed = [
      test.sign(anchorCall(device)),
      test.sign(suspendCall(hospital, device.publicKey)),
      test.sign(anchorCall(device, 'later'), 1),
    ];
    const built = test.build(signed);
    expect(built.block.transactions).toHaveLength(2);
    const forged = { ...built.block, transactions: signed.map(({ transaction }) => transaction) };
    expect(test.judge(forged)).toMatchObject({ ok: false });
  });

  it.each(['suspend', 'reinstate'] as const)('%s is refused to whoever is not asked', (method) => {
    const test = createTestChain();
    const [a, b] = test.validators as [Person, Person];
    const [device] = test.devices as [Person];
    const call = (from: Person, account: Uint8Array): Call => ({
      from,
      contract: 'identity',
      method,
      args: { account },
    });
    if (method === 'reinstate') test.block([suspendCall(a, device.publicKey)]);
    expect(test.refusal(call(test.publisher, device.publicKey))).toBe('not-a-validator');
    expect(test.refusal(call(a, ward.publicKey))).toBe('unknown-account');
    expect(test.refusal(call(a, a.publicKey))).toBe('is-a-validator');
    expect(test.refusal(call(a, b.publicKey))).toBe('is-a-validator');
    // Another hospital's: a proposal, which changes nothing by itself.
    expect(test.refusal(call(b, device.publicKey))).toBeNull();
    expect(openProposalsOf(test.state)).toHaveLength(1);
    expect(statusOf(test, device)).toBe(method === 'suspend' ? 'active' : 'suspended');
  });

  it('of a device of another hospital takes the votes', () => {
    const test = createTestChain();
    const device = test.devices[3]!;
    three(test, (by) => suspendCall(by, device.publicKey));
    expect(statusOf(test, device)).toBe('suspended');
    expect(openProposalsOf(test.state)).toEqual([]);
  });

  it('ends the waiting for a device: a round closes without it, with a quorum of those who are left', () => {
    const test = createTestChain();
    startTask(test, publicTask({ quorum: 4 }));
    const [first, ...rest] = test.devices as [Person, Person, Person, Person];
    test.block(rest.map((device) => updateCall(test, device, 1)));
    test.block([]);
    expect(roundCell.get(test.state, 1)!.round).toBe(1);
    test.block([suspendCall(test.validators[0]!, first.publicKey)]);
    test.block([]);
    expect(closedRoundCell.get(test.state, 1, 1)!.status).toBe('closed');
    expect(closedRoundCell.get(test.state, 1, 1)!.verdicts).toHaveLength(3);
  });
});

describe('a key', () => {
  it('that is recovered leaves everything where it was', () => {
    const test = createTestChain();
    const [hospital] = test.validators as [Person];
    const [device] = test.devices as [Person];
    startTask(test, taskSpec());
    playRound(test);
    const id = bytesToHex(device.publicKey);
    const ledger = ledgerCell.get(test.state, id, bytesToHex(dataset))!;
    const points = standingOf(test.state, id).points;
    expect([ledger.charges, points]).toEqual([1, 6]);
    test.block([recoverCall(test, hospital, device.publicKey, ward)]);
    expect(eventsOf(test)).toEqual(['recovered']);
    expect(barOf(test, anchorCall(device))).toBe('unknown-sender');
    expect(ownerOf(test.state, ward.publicKey)!.id).toEqual(device.publicKey);
    expect(accountOf(test.state, ward.publicKey)).toBeNull();
    expect(test.refusal({ ...updateCall(test, ward, 2) })).toBeNull();
    expect(test.refusal(updateCall(test, ward, 2))).toBe('already-submitted');
    for (const other of test.devices.slice(1)) test.block([updateCall(test, other, 2)]);
    test.block([]);
    expect(closedRoundCell.get(test.state, 1, 2)!.verdicts).toHaveLength(4);
    expect(standingOf(test.state, id).points).toBe(7);
    const spent = ledgerCell.get(test.state, id, bytesToHex(dataset))!;
    expect(spent.charges).toBe(2);
    expect(ledgerCell.get(test.state, bytesToHex(ward.publicKey), bytesToHex(dataset))).toBeNull();
    // The dataset has its budget: under a new key it cannot be declared anew.
    expect(test.refusal(declareCall(ward))).toBe('already-declared');
  });

  it('is changed by its own account, again and again, and none comes back', () => {
    const test = createTestChain();
    const [device, other] = test.devices as [Person, Person];
    const [second, third] = [person('second'), person('third')];
    expect(test.refusal(rotateCall(test, device, second, 'hospital-1'))).toBeNull();
    expect(eventsOf(test)).toEqual(['rotated']);
    const back = rotateCall(test, second, device, 'hospital-1', device.publicKey);
    expect(test.refusal(back)).toBe('key-taken');
    expect(test.refusal(rotateCall(test, second, third, 'hospital-1', device.publicKey))).toBeNull();
    for (const old of [device, second]) expect(barOf(test, anchorCall(old))).toBe('unknown-sender');
    expect(barOf(test, anchorCall(third))).toBeNull();
    expect(accountOf(test.state, device.publicKey)).toMatchObject({ keys: 3, publicKey: third.publicKey });
    // A key that was somebody's once is nobody else's.
    expect(test.refusal(rotateCall(test, other, second, 'hospital-2'))).toBe('key-taken');
    expect(test.refusal(admitCall(test, test.validators[0]!, second))).toBe('key-taken');
  });

  it('is refused where it cannot be one', () => {
    const test = createTestChain();
    const [hospital, stranger] = test.validators as [Person, Person];
    const [device, other] = test.devices as [Person, Person];
    const zero = { ...ward, publicKey: new Uint8Array(32) };
    const id = device.publicKey;
    const cases: readonly (readonly [string, Call])[] = [
      ['bad-key', rotateCall(test, device, zero, 'hospital-1')],
      ['key-taken', rotateCall(test, device, other, 'hospital-1')],
      ['not-held', rotateCall(test, device, ward, 'hospital-2')],
      ['is-a-validator', rotateCall(test, hospital, ward, 'hospital-1')],
      ['not-a-validator', recoverCall(test, other, id, ward, 'hospital-1')],
      ['not-held', recoverCall(test, stranger, id, ward)],
      ['not-held', withArgs(recoverCall(test, hospital, id, ward), { possession: new Uint8Array(64) })],
      ['key-taken', recoverCall(test, hospital, id, other)],
      ['unknown-account', recoverCall(test, hospital, ward.publicKey, person('x'))],
      ['is-a-validator', recoverCall(test, hospital, hospital.publicKey, ward)],
      ['malformed-args', withArgs(recoverCall(test, hospital, id, ward), { account: new Uint8Array(33) })],
    ];
    for (const [code, call] of cases) expect([code, test.refusal(call)]).toEqual([code, code]);
    expect(accountOf(test.state, id)).toMatchObject({ keys: 1, publicKey: id });
  });

  it('is not changed without end', () => {
    const test = createTestChain({
      write: (state, { devices }) => {
        const id = devices[0]!.publicKey;
        const keys = { role: 'device', name: 'd', hospital: 'hospital-1', level: 1, area: '' } as const;
        const rest = { vrfPublicKey: null, publicKey: id, status: 'active', changedHeight: 0 } as const;
        accountCell.set(state, { ...keys, ...rest, keys: KEYS_MAX }, bytesToHex(id));
      },
    });
    const [device] = test.devices as [Person];
    expect(test.refusal(rotateCall(test, device, ward, 'hospital-1'))).toBe('too-many-keys');
    const recovered = recoverCall(test, test.validators[0]!, device.publicKey, ward);
    expect(test.refusal(recovered)).toBe('too-many-keys');
  });

  it('is recovered by vote where no hospital answers, and while the account is suspended', () => {
    const test = createTestChain();
    const id = test.publisher.publicKey;
    three(test, (by) => suspendCall(by, id));
    three(test, (by) => recoverCall(test, by, id, ward, ''));
    expect(accountOf(test.state, id)).toMatchObject({ status: 'suspended', publicKey: ward.publicKey });
    expect(barOf(test, { ...publishCall(test, taskSpec()), from: ward })).toBe('suspended');
    three(test, (by) => reinstateCall(by, ward.publicKey));
    expect(test.refusal({ ...publishCall(test, taskSpec()), from: ward })).toBeNull();
  });
});

describe('a vote', () => {
  it('against a change closes it when too few are left to approve', () => {
    const test = createTestChain();
    const [a, b, c] = test.validators as [Person, Person, Person];
    const call = admitCall(test, a, ward, { hospital: 'hospital-2' });
    test.block([call]);
    expect(test.refusal(voteCall(test.devices[0]!, 'reject', 1))).toBe('not-a-validator');
    expect(test.refusal(voteCall(a, 'reject', 1))).toBe('already-approved');
    test.block([voteCall(b, 'reject', 1)]);
    expect(eventsOf(test)).toEqual(['opposed']);
    expect(test.refusal(voteCall(b, 'approve', 1))).toBe('already-rejected');
    expect(test.refusal(voteCall(b, 'reject', 1))).toBe('already-rejected');
    test.block([voteCall(c, 'reject', 1)]);
    expect(eventsOf(test)).toEqual(['opposed', 'rejected']);
    expect(test.refusal(voteCall(c, 'reject', 1))).toBe('no-such-proposal');
    expect(openProposalsOf(test.state)).toEqual([]);
  });

  it('puts a hospital’s seat under another key, where four seats are the fewest', () => {
    const test = createTestChain();
    const next = person('hospital-4-again');
    const old = test.validators[3]!;
    const call = (from: Person): Call => ({
      from,
      contract: 'identity',
      method: 'replace',
      args: {
        validator: old.publicKey,
        publicKey: next.publicKey,
        vrfPublicKey: vrfPublicKeyOf(next.vrfSecret),
      },
    });
    three(test, call);
    expect(eventsOf(test).at(-1)).toBe('replaced');
    expect([seatOf(test.state, old.publicKey), seatOf(test.state, next.publicKey)]).toEqual(['lost', 'held']);
    expect(validatorOf(test.state, old.name)).toEqual(next.publicKey);
    expect(test.refusal(call(test.validators[0]!))).toBe('no-seat');
    // The hospital's devices are its own still.
    const device = test.devices[3]!;
    test.validators.push(next);
    expect(test.refusal(suspendCall(old, device.publicKey))).toBe('not-a-validator');
    expect(test.refusal(suspendCall(next, device.publicKey))).toBeNull();
    expect(statusOf(test, device)).toBe('suspended');
  });

  it('puts no seat under a key that is somebody’s', () => {
    const test = createTestChain();
    const [a, b] = test.validators as [Person, Person];
    const fresh = person('fresh');
    const replace = (change: object): Call => ({
      from: a,
      contract: 'identity',
      method: 'replace',
      args: {
        validator: b.publicKey,
        publicKey: fresh.publicKey,
        vrfPublicKey: vrfPublicKeyOf(fresh.vrfSecret),
        ...change,
      },
    });
    expect(test.refusal(replace({ publicKey: a.publicKey }))).toBe('key-taken');
    expect(test.refusal(replace({ publicKey: test.devices[0]!.publicKey }))).toBe('key-taken');
    expect(test.refusal(replace({ vrfPublicKey: vrfPublicKeyOf(a.vrfSecret) }))).toBe('key-taken');
    expect(test.refusal(replace({ publicKey: new Uint8Array(32) }))).toBe('bad-key');
    expect(test.refusal(replace({ validator: test.devices[0]!.publicKey }))).toBe('no-seat');
  });
});

function withArgs(call: Call, change: object): Call {
  return { ...call, args: { ...(call.args as object), ...change } };
}

/** Genesis admits in the order of public keys, and the newest is named first. */
function byAdmission(test: TestChain) {
  const people = [...test.validators, ...test.devices, ward];
  const rank = (name: string) => {
    const { publicKey } = people.find((one) => one.name === name)!;
    return name === ward.name ? 'z' : bytesToHex(publicKey);
  };
  return (a: string, b: string) => (rank(a) < rank(b) ? 1 : -1);
}
