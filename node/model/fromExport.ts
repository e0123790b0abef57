import { createReplay } from '../../audit/index.js';
import { readState, type StateReader } from '../../chain/index.js';
import { accountOf, closedRoundCell, enrolledCell, modelCell, taskCell } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { parseGenesis, startChain } from '../../genesis/index.js';
import { readBounded } from '../config.js';
import { readCar } from '../export/index.js';
import { ModelError, type ModelFacts, type RoundFacts } from './facts.js';

/** The genesis file has every account. */
const GENESIS_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What an exported chain says of a task's newest model, after replaying all of it from its genesis: nothing is
 * believed, and the model's bytes come out of the replay itself.
 *
 * Throws ConfigError, ExportError; ModelError "not-valid" (with the divergence), "no-task", "no-model".
 * Cost: a full replay.
 */
export async function factsFromExport(file: string, genesisFile: string, task: number): Promise<ModelFacts> {
  const parsed = parseGenesis(readBounded(genesisFile, GENESIS_BYTES_MAX));
  if (!parsed.ok) throw new ModelError('not-valid', `${genesisFile}: ${parsed.detail}`);
  const replay = createReplay(startChain(parsed.genesis));
  let model: ModelFacts['model'] | null = null;
  for await (const entry of readCar(file)) {
    const divergence = replay.take(entry);
    if (divergence !== null)
      throw new ModelError(
        'not-valid',
        `height ${divergence.height}: ${divergence.detail}: audit it (chain verify)`,
      );
    const id = modelId(readState(replay.tip.state), task);
    const made = id === null ? undefined : replay.last?.executed.payloads.get(id);
    if (id !== null && made !== undefined) model = { id, bytes: made };
  }
  const { tip } = replay;
  const state = readState(tip.state);
  if (taskCell.get(state, task) === null) throw new ModelError('no-task', `the export has no task ${task}`);
  if (model === null || modelId(state, task) !== model.id)
    throw new ModelError('no-model', `the export has no model of task ${task}`);
  const chain = {
    id: bytesToHex(tip.chainId),
    name: parsed.genesis.name,
    height: tip.height,
    hash: bytesToHex(tip.hash),
  };
  return { chain, task, ...taskFacts(state, task), model, from: 'export' };
}

function modelId(state: StateReader, task: number): string | null {
  const ref = modelCell.get(state, task);
  return ref === null ? null : bytesToHex(ref.id);
}

function taskFacts(
  state: StateReader,
  task: number,
): Pick<ModelFacts, 'spec' | 'status' | 'devices' | 'rounds'> {
  const { spec, status } = taskCell.get(state, task)!;
  const devices = (enrolledCell.get(state, task) ?? []).map(({ device, units }) => {
    const { name, hospital } = accountOf(state, device)!;
    return { id: bytesToHex(device), name, hospital, units };
  });
  const rounds: RoundFacts[] = [];
  for (;;) {
    const closed = closedRoundCell.get(state, task, rounds.length + 1);
    if (closed === null) return { spec, status, devices, rounds };
    const verdicts = closed.verdicts.map(({ device, qualified, reason, blacklisted }) => {
      return { device: bytesToHex(device), qualified, reason, blacklisted };
    });
    rounds.push({ round: closed.round, status: closed.status, verdicts });
  }
}
