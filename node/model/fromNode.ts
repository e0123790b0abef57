import { payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { base64ToBytes, type Client, taskSpecFromForm } from '../rpc/index.js';
import { type DeviceFacts, ModelError, type ModelFacts, type RoundFacts } from './facts.js';

/**
 * What a node says of a task's newest model. The bytes are checked against the id that the node names; whether the
 * chain says the same is what an audit or the light client finds out.
 * Throws RpcError; ModelError "no-model", "wrong-bytes".
 */
export async function factsFromNode(client: Client, task: number): Promise<ModelFacts> {
  const { chainId, name, height, hash } = await client.call('chain.status', {});
  const { spec, status, enrolled, model } = await client.call('task.get', { task });
  if (model === null) throw new ModelError('no-model', `task ${task} has no model yet: no round has begun`);
  const { bytes: text } = await client.call('payload.get', { id: model.id });
  const bytes = base64ToBytes(text);
  if (bytes === null || bytesToHex(payloadId(bytes)) !== model.id)
    throw new ModelError('wrong-bytes', 'the node gave other weights than it names');
  const devices: DeviceFacts[] = [];
  for (const { device, name: own, units } of enrolled) {
    const { hospital } = await client.call('account.get', { publicKey: device });
    devices.push({ id: device, name: own, hospital, units });
  }
  return {
    chain: { id: chainId, name, height, hash },
    task,
    status,
    spec: taskSpecFromForm(spec),
    devices,
    rounds: await allRounds(client, task),
    model: { id: model.id, bytes },
    from: 'node',
  };
}

async function allRounds(client: Client, task: number): Promise<RoundFacts[]> {
  const rounds: RoundFacts[] = [];
  for (;;) {
    const more = await client.call('task.rounds', { task, from: rounds.length + 1 });
    if (more.length === 0) return rounds;
    for (const { round, status, verdicts } of more) {
      const told = verdicts.map(({ device, qualified, reason, blacklisted }) => {
        return { device, qualified, reason, blacklisted };
      });
      rounds.push({ round, status, verdicts: told });
    }
  }
}
