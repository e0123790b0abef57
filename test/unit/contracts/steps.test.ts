import { describe, expect, it } from 'vitest';
import { beginExecution, encodeTransaction, limits, payloadId } from '../../../chain/index.js';
import {
  applicationsCell,
  enrolledCell,
  newestProtocol,
  openProposalsCell,
  owedCell,
  proposalCell,
  register,
  roundCell,
  setSeat,
  taskCell,
  turnsCell,
} from '../../../contracts/index.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';
import { SOURCE_BYTES_MAX } from '../../../fl/data/schema.js';
import { anchorCall, setLevelsCall, voteCall } from '../../support/accounts.js';
import {
  applyCall,
  type Call,
  createTestChain,
  dataset,
  declareCall,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../support/chain.js';
import { askCall, contentCall, readerKeys, sealFor } from '../../support/gate.js';

/** What one call comes to on the chain's state, and in microseconds of CPU; it has to be taken. */
function stepsOf(test: TestChain, call: Call): number {
  const signed = test.sign(call);
  const { height, time, leader, chainId } = test.tip;
  const block = {
    chainId,
    protocol: newestProtocol,
    height: height + 1,
    time: time + 1,
    leader: test.leader().publicKey,
    parent: { height, time, leader, committee: test.tip.committee.map(({ publicKey }) => publicKey) },
    participants: [],
    closings: new Map(),
  };
  const execution = beginExecution(
    test.chain.rules.protocols.get(newestProtocol)!,
    test.tip.state,
    block,
    call.level ?? 0,
    test.payloadOf,
  );
  const taken = execution.take(signed);
  if (!taken.ok) throw new Error(taken.reason);
  expect([call.method, taken.receipt.code]).toEqual([call.method, null]);
  return taken.steps;
}

const nth = (i: number) => sha256(utf8ToBytes(`account ${i}`));
const many = (count: number) => Array.from({ length: count }, (_, i) => nth(i));

/** As large as fits into one transaction. */
function largestSpec(test: TestChain) {
  const spec = taskSpec({ devicesMax: 1_000, quorum: 1, enrolMs: 1_000_000 });
  const [feature] = spec.schema.features;
  const wide = (count: number) => ({
    ...spec,
    model: { ...spec.model, inputs: count },
    schema: {
      ...spec.schema,
      features: Array.from({ length: count }, (_, i) => ({
        ...feature!,
        name: `f${i}`,
        source: 'x'.repeat(SOURCE_BYTES_MAX),
      })),
    },
  });
  const bytes = (count: number) =>
    encodeTransaction(test.sign(publishCall(test, wide(count))).transaction).length;
  const each = (bytes(20) - bytes(10)) / 10;
  return wide(10 + Math.floor((limits.transactionBytesMax - bytes(10)) / each) - 1);
}

/** Validators beside the four of genesis, seats and all, each with four open proposals. */
function crowd(validators: number, proposals: number) {
  return createTestChain({
    write: (state) => {
      for (const [i, key] of many(validators).entries()) {
        const place = { name: `v${i}`, hospital: `v${i}`, level: 0, area: '' };
        register(state, key, { role: 'validator', ...place, vrfPublicKey: key }, 0);
        setSeat(state, key, 'held');
      }
      const ids = Array.from({ length: proposals }, (_, i) => i + 1);
      openProposalsCell.set(state, ids);
      for (const id of ids) {
        const change = { kind: 'suspend', account: nth(id) } as const;
        const votes = { proposer: nth(0), approvals: [nth(0)], rejections: [] };
        proposalCell.set(state, { id, change, ...votes, expiresAt: 2 ** 47 }, id);
      }
    },
  });
}

describe('the step budget', () => {
  it('leaves the dearest calls of today twice what they take', () => {
    const measured: Record<string, number> = {};
    const bare = createTestChain({ devicesEach: 2 });
    const large = largestSpec(bare);
    measured['tasks.publish, the largest'] = stepsOf(bare, publishCall(bare, large));
    measured['privacy.declare'] = stepsOf(bare, declareCall(bare.devices[0]!));
    measured['anchor.put'] = stepsOf(bare, anchorCall(bare.devices[0]!));
    const own = readerKeys().publicKey;
    const text = { title: 't', description: 'x'.repeat(16_000) };
    const content = sealFor(bare, [own], text);
    measured['tasks.publishContent, the largest'] = stepsOf(bare, contentCall(bare, content));

    const owed = createTestChain({
      write: (state) => {
        const turns = Array.from({ length: 255 }, (_, i) => ({ level: i + 1, at: i + 1 }));
        turnsCell.set(state, { blocks: 255, used: turns });
        const claims = turns.slice(1).map(({ level }) => ({ level, by: nth(1), after: 1, until: 2 ** 40 }));
        owedCell.set(state, claims);
      },
    });
    const claim = { from: owed.validators[0]!, contract: 'turns', method: 'claim', args: { level: 1 } };
    measured['turns.claim, the last level'] = stepsOf(owed, claim);

    const asked = createTestChain({
      write: (state) => {
        const row = { status: 'refused', reason: 'enough', done: false } as const;
        applicationsCell.set(
          state,
          many(255).map((provider) => ({ ...row, provider, key: provider })),
          1,
        );
      },
    });
    asked.block([contentCall(asked, sealFor(asked, [own]))]);
    measured['tasks.ask, the last place'] = stepsOf(asked, askCall(asked.devices[0]!, own));

    const task = createTestChain();
    task.block([publishCall(task, large), declareCall(task.devices[0]!)]);
    const rest = many(999).map((device) => ({ device, units: 10, dataset }));
    const full = createTestChain({
      write: (state) => {
        taskCell.set(state, taskCell.get(task.state, 1)!, 1);
        enrolledCell.set(state, rest, 1);
      },
    });
    full.block([declareCall(full.devices[0]!)]);
    measured['tasks.apply, the last place'] = stepsOf(full, applyCall(full, full.devices[0]!));

    const training = createTestChain();
    startTask(training, publicTask());
    const open = roundCell.get(training.state, 1)!;
    const [device] = training.devices;
    const ref = { id: payloadId(Uint8Array.of(1)), size: 1 };
    const last = createTestChain({
      write: (state) => {
        const spec = { ...large, ...publicTask(), schema: large.schema, devicesMax: 1_000 };
        taskCell.set(state, { ...taskCell.get(training.state, 1)!, spec }, 1);
        enrolledCell.set(state, [...rest, { device: device!.publicKey, units: 10, dataset }], 1);
        const updates = rest.map((entry) => ({ ...entry, payload: ref, height: 1 }));
        roundCell.set(state, { ...open, updates: updates.map(({ dataset: _, ...update }) => update) }, 1);
      },
    });
    const payload = updateCall(training, device!, 1).payloads![0]!;
    measured['training.update, the last of 1,000'] = stepsOf(last, updateCall(last, device!, 1, payload));

    const [validators, proposals] = [96, 400];
    const test = crowd(validators, proposals);
    measured['identity.approve'] = stepsOf(test, voteCall(test.validators[0]!, 'approve', 1));
    const level = { account: test.devices[1]!.publicKey, level: 2 };
    measured['levels.set, with 400 proposals open'] = stepsOf(
      test,
      setLevelsCall(test.validators[0]!, level),
    );
    // Twice that of the largest chain there can be, which takes too long to make here: ten times as many.
    const dearest = 2 * 10 * measured['levels.set, with 400 proposals open']!;
    expect(dearest).toBeLessThan(limits.stepsPerCallMax);
    for (const [name, steps] of Object.entries(measured))
      expect([name, steps * 2 <= limits.stepsPerCallMax]).toEqual([name, true]);
  });
});
