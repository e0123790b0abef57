import { describe, expect, it } from 'vitest';
import { beginExecution, decodeTransaction, encodeTransaction } from '../../../chain/index.js';
import { BLOCK_TIME_MAX } from '../../../consensus/index.js';
import { newestProtocol } from '../../../contracts/index.js';
import { drbg, utf8ToBytes } from '../../../crypto/index.js';
import {
  admitCall,
  recoverCall,
  reportCall,
  rotateCall,
  setLevelsCall,
  voteCall,
} from '../../support/accounts.js';
import {
  applyCall,
  type Call,
  createTestChain,
  declareCall,
  playRound,
  publicTask,
  publishCall,
  startTask,
  taskSpec,
  updateCall,
} from '../../support/chain.js';
import { answerCall, claimCall, openCall, planCall } from '../../support/evaluation.js';
import { person } from '../../support/genesis.js';

const SEED = 'hostile arguments 1';
const ROUNDS = 400;
const random = drbg(utf8ToBytes(SEED));
const below = (n: number) => new DataView(random(4).buffer).getUint32(0) % n;

const nasty: readonly unknown[] = [
  null,
  true,
  '',
  'toString',
  '__proto__',
  '\u0000',
  'é'.repeat(70),
  'x'.repeat(5_000),
  0,
  1,
  -1,
  2,
  255,
  256,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  0.5,
  1e300,
  2n ** 63n,
  2n ** 64n - 1n,
  new Uint8Array(0),
  new Uint8Array(32),
  new Uint8Array(64).fill(255),
  [],
  {},
  [[]],
  { constructor: 1 },
  new Array(40).fill(0),
];

/** The value with one place in it, chosen by the seed, replaced, dropped or doubled. */
function spoil(value: unknown): unknown {
  const inside = value !== null && typeof value === 'object' && !(value instanceof Uint8Array);
  if (!inside || below(8) === 0) return nasty[below(nasty.length)];
  if (Array.isArray(value)) {
    const at = below(Math.max(1, value.length));
    if (below(6) === 0) return [...value, ...value];
    return value.map((item, i) => (i === at ? spoil(item) : item));
  }
  const names = Object.keys(value);
  const name = names[below(Math.max(1, names.length))] ?? 'x';
  const { [name]: old, ...rest } = value as Record<string, unknown>;
  return below(10) === 0 ? rest : { ...rest, [name]: spoil(old) };
}

describe('a sender with arguments of its own making', () => {
  it(`never makes a contract throw (seed: ${SEED})`, () => {
    const test = createTestChain();
    const planned = publicTask({ devicesMax: 3, quorum: 2 });
    test.block([planCall(test, planned, { epsilonMicro: 0, deltaPico: 0 })]);
    startTask(test, planned);
    playRound(test);
    test.block([openCall(test, { sigma16: 0 })]);
    test.block([publishCall(test, taskSpec())]);
    const device = test.devices[0]!;
    const hospital = test.validators[0]!;
    const calls: readonly Call[] = [
      publishCall(test, taskSpec()),
      publishCall(test, publicTask()),
      declareCall(device, { dataset: new Uint8Array(32) }),
      applyCall(test, device, { task: 2 }),
      updateCall(test, device, 1),
      planCall(test),
      openCall(test),
      answerCall(device),
      claimCall(test),
      admitCall(test, hospital, person('new')),
      recoverCall(test, hospital, device.publicKey, person('new')),
      rotateCall(test, device, person('new'), hospital.name),
      setLevelsCall(hospital, { account: device.publicKey, level: 2 }),
      reportCall(test.publisher, device.publicKey),
      voteCall(hospital, 'reject', 1),
    ];
    const codes = new Set<string | null>();
    for (let i = 0; i < ROUNDS; i += 1) {
      const call = calls[below(calls.length)]!;
      let args = spoil(call.args);
      for (let more = below(3); more > 0; more -= 1) args = spoil(args);
      const level = below(4) === 0 ? 2 : (call.level ?? 0);
      const signed = succeeds(() => test.sign({ ...call, args, level }));
      if (
        signed === null ||
        succeeds(() => decodeTransaction(encodeTransaction(signed.transaction))) === null
      )
        continue;
      const execution = beginExecution(
        test.chain.rules.protocols.get(newestProtocol)!,
        test.tip.state,
        contextOf(test),
        level,
        test.payloadOf,
      );
      const taken = execution.take(signed);
      if (!taken.ok) throw new Error(taken.reason);
      codes.add(taken.receipt.code);
      execution.finish();
    }
    expect(codes.size).toBeGreaterThan(4);
    expect(codes).toContain('malformed-args');
  });

  it('meets contracts that add to the latest time of a block', () => {
    const test = createTestChain();
    const call = publishCall(test, taskSpec({ enrolMs: 30 * 86_400_000 }));
    test.block([call], BLOCK_TIME_MAX);
    expect(test.tip.time).toBe(BLOCK_TIME_MAX);
    test.empty();
    test.empty();
  });

  it('with updates of any bytes gets a refusal or a place, never a throw', () => {
    const test = createTestChain();
    startTask(test, publicTask());
    const device = test.devices[0]!;
    for (let i = 0; i < 200; i += 1) {
      const payload = random(1 + below(40));
      if (below(2) === 0) payload.set([1, below(40), 0, 0, 0, 3].slice(0, payload.length));
      const signed = test.sign(updateCall(test, device, 1, payload));
      const execution = beginExecution(
        test.chain.rules.protocols.get(newestProtocol)!,
        test.tip.state,
        contextOf(test),
        1,
        test.payloadOf,
      );
      const taken = execution.take(signed);
      expect(taken).toMatchObject({ ok: true });
    }
  });
});

function contextOf(test: ReturnType<typeof createTestChain>) {
  const { chainId, height, time, leader } = test.tip;
  return {
    chainId,
    protocol: newestProtocol,
    height: height + 1,
    time: time + 1,
    leader: test.leader().publicKey,
    parent: { height, time, leader, committee: test.tip.committee.map(({ publicKey }) => publicKey) },
    participants: [],
    closings: test.closings(),
  };
}

/** A value that cannot even be encoded or decoded reaches no contract. */
function succeeds<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}
