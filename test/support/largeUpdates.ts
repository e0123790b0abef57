import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { packUpdate, readSchema, schemaHash } from '../../fl/index.js';
import { readKeystore } from '../../node/provision/index.js';
import { type Client, createWallet, type SignedCall } from '../../node/rpc/index.js';
import { type Hospitals, pimaSchema, pimaTask, until } from './processes.js';

/** As many parameters as the CNN of the seed paper has, within a thousandth. */
const layers = [
  { kind: 'dense', units: 1_200, activation: 'relu' },
  { kind: 'dense', units: 1_374, activation: 'relu' },
  { kind: 'dense', units: 1, activation: 'linear' },
] as const;
export const DIMENSION = 9 * 1_200 + 1_201 * 1_374 + 1_375;

/** A task on a model of that size, without noise: what a device sends is up to the test. */
export function largeTask(devices: number, rounds: number) {
  return pimaTask({
    title: 'a large model',
    model: { inputs: 8, layers: [...layers] },
    publicData: true,
    privacy: null,
    verification: 'none',
    reputation: 'none',
    devices,
    quorum: devices,
    rounds,
    deadlineMs: 3_600_000,
  });
}

/** An update of so many bits an entry, 3 to 32; `seed` decides its entries. 5 bits: 0.99 MiB, 32 bits: 6.6 MB. */
export function largeUpdate(seed: number, bits: number): Uint8Array {
  const wire = new Int32Array(DIMENSION);
  let state = seed + 1;
  for (let at = 0; at < DIMENSION; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    wire[at] = (state >>> 30) - 2;
  }
  // One entry decides how wide all are. A device that speaks for 10,000 rows may send one as large as this.
  wire[0] = 2 ** (bits - 2);
  return packUpdate(wire);
}

/** A device that the test plays, with its own hospital's node. */
export interface PlayedDevice {
  readonly name: string;
  readonly client: Client;
  /** Signs an update under the nonce after `gap` others; sends nothing. */
  signUpdate(round: number, payload: Uint8Array, gap?: number): Promise<SignedCall>;
  /** Signs a transaction without any effect but that the nonce is consumed. */
  signFiller(): Promise<SignedCall>;
  enrol(task: number): Promise<void>;
}

/** No node hosts devices: the test plays them, with the keys that were provisioned. Before the nodes start. */
export function playDevices({ network, clients, names }: Hospitals): readonly PlayedDevice[] {
  for (const name of names) {
    const file = join(network.dir, 'nodes', name, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, devicesDir: null }));
  }
  return network.file.devices.map(({ name, folder }) => {
    const at = join(network.dir, folder);
    const { sign: secret } = readKeystore(join(at, 'keystore.json'), join(at, 'password'));
    const client = clients[names.findIndex((hospital) => name.startsWith(`${hospital}-`))]!;
    return playedDevice(name, client, network.chainId, secret!);
  });
}

function playedDevice(name: string, client: Client, chainId: Uint8Array, secret: Uint8Array): PlayedDevice {
  const wallet = createWallet({ client, chainId, secret });
  const device = bytesToHex(wallet.publicKey);
  let joined = 0;
  const nonce = async () => (await client.call('account.get', { publicKey: device })).nextNonce;
  return {
    name,
    client,
    signUpdate: async (round, payload, gap = 0) => {
      const call = { contract: 'training', method: 'update', level: 1, args: { task: joined, round } };
      return wallet.sign({ ...call, payloads: [payload] }, (await nonce()) + gap);
    },
    signFiller: async () => {
      const args = { digest: new Uint8Array(32), memo: name };
      return wallet.sign({ contract: 'anchor', method: 'put', args }, await nonce());
    },
    enrol: async (task) => {
      const schema = readSchema(pimaSchema);
      if (!schema.ok) throw new Error(schema.reason);
      const terms = {
        task,
        units: 10_000,
        dataset: new Uint8Array(32),
        schemaHash: schemaHash(schema.schema),
      };
      const { approval } = await client.call('enrolment.approve', {
        ...terms,
        device,
        dataset: bytesToHex(terms.dataset),
        schemaHash: bytesToHex(terms.schemaHash),
      });
      const args = { ...terms, approval: hexToBytes(approval) };
      const hash = await wallet.send({ contract: 'tasks', method: 'apply', level: 1, args });
      const { ok, code } = await wallet.wait(hash, 120_000);
      if (!ok) throw new Error(`${name} was not admitted: ${code}`);
      joined = task;
    },
  };
}

/** Hands in several at once, in one request. */
export async function submitTogether(client: Client, calls: readonly SignedCall[]): Promise<void> {
  const batch = calls.map(({ submission }, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'tx.submit',
    params: submission,
  }));
  const answer = await fetch(client.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(batch),
  });
  const results = (await answer.json()) as readonly { error?: unknown }[];
  const failed = results.find(({ error }) => error !== undefined);
  if (failed !== undefined) throw new Error(`not taken: ${JSON.stringify(failed.error)}`);
}

/** Waits until every node has so many transactions waiting: with all their payloads on its disk. */
export async function allWaiting(clients: readonly Client[], count: number): Promise<void> {
  for (const client of clients) {
    await until(`${client.url} to hold ${count} transactions`, 120_000, async () => {
      const { metrics } = await client.call('node.status', {});
      if (metrics.mempoolTransactions === count) return true;
      await client.call('chain.status', { afterHeight: 1_000_000, waitMs: 200 });
      return null;
    });
  }
}

/** The most memory that a process has ever had resident, in MiB; null where there is no /proc. */
export function peakMemoryMiB(pid: number): number | null {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))!;
    return Number(kib) / 1024;
  } catch {
    return null;
  }
}
