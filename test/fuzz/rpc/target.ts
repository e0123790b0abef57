import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBlock, encodeTransaction, transactionHash } from '../../../chain/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { readAdminToken } from '../../../node/adminToken.js';
import { base64ToBytes, bytesToBase64, createClient, RpcError } from '../../../node/rpc/index.js';
import { readNodeConfig } from '../../../node/settings/index.js';
import { nodePid } from '../../../node/testnet/index.js';
import { closedRounds, type Hospitals, pimaTask, provisionHospitals } from '../../support/processes.js';
import type { Described, Material } from './calls.js';
import type { RpcFuzzOptions } from './run.js';

/** A real node, a process of its own, that has trained a task and is quiet: nothing moves but by calls. */
export interface FuzzedNode
  extends Pick<RpcFuzzOptions, 'url' | 'pid' | 'adminToken' | 'material' | 'probe'> {
  /** Lines of its log that speak of a bug. */
  errors(): readonly string[];
  /** Publishes one more task, which only a node that still decides blocks can. Gives its id. */
  publish(): Promise<number>;
  close(): Promise<void>;
}

const ROUNDS = 3;

export async function startFuzzedNode(): Promise<FuzzedNode> {
  const hospitals = await provisionHospitals(1, 2, { heartbeatMs: 3_600_000 });
  try {
    return await prepare(hospitals);
  } catch (error) {
    await hospitals.close();
    throw error;
  }
}

async function prepare(hospitals: Hospitals): Promise<FuzzedNode> {
  await hospitals.start();
  const task = pimaTask({ devices: 2, quorum: 2, rounds: ROUNDS });
  const client = hospitals.clients[0]!;
  await closedRounds(client, await hospitals.publish(task), ROUNDS);
  const { folder, name } = hospitals.network.file.nodes[0]!;
  const dir = join(hospitals.network.dir, folder);
  return {
    url: client.url,
    pid: nodePid(hospitals.network, name)!,
    adminToken: readAdminToken(readNodeConfig(join(dir, 'config.json')).dataDir),
    material: await materialOf(hospitals),
    probe: await probeOf(client.url),
    errors: () =>
      readFileSync(join(dir, 'node.log'), 'utf8')
        .trim()
        .split('\n')
        .filter((line) => (JSON.parse(line) as { level: string }).level === 'error'),
    publish: () => hospitals.publish(task),
    close: () => hospitals.close(),
  };
}

async function materialOf({ clients }: Hospitals): Promise<Material> {
  const client = clients[0]!;
  const document = await client.call('rpc.discover', {});
  const { height, hash, chainId } = await client.call('chain.status', {});
  const hex = new Set([hash, chainId]);
  const base64: string[] = [];
  const { blocks } = await client.call('chain.export', { from: 1, to: height });
  for (const { block } of blocks) {
    base64.push(block);
    for (const transaction of decodeBlock(base64ToBytes(block)!).transactions) {
      base64.push(bytesToBase64(encodeTransaction(transaction)));
      const ids = [
        transaction.from,
        transactionHash(transaction),
        ...transaction.payloads.map(({ id }) => id),
      ];
      for (const id of ids) hex.add(bytesToHex(id));
    }
  }
  return {
    methods: [...(document.methods as readonly Described[]), { name: 'rpc.discover', params: [] }],
    known: { hex: [...hex], base64, words: ['', 'blocks', 'training', 'closed', 'hospital-1'], height },
  };
}

/** Answers that must stay as they are: the chain is quiet, its past does not change, and faults keep their codes. */
async function probeOf(url: string): Promise<() => Promise<void>> {
  const client = createClient(url);
  const ask = async () => [
    await client.call('chain.status', {}),
    await client.call('chain.block', { height: 1 }),
    await client.call('task.rounds', { task: 1 }),
    await client.call('model.get', { task: 1 }),
    await client.call('proof.header', { height: 1 }),
    await client.call('chain.block', { height: 10_000 }).catch((error: unknown) => {
      if (error instanceof RpcError) return error.word;
      throw error;
    }),
  ];
  const known = await ask();
  return async () => assert.deepEqual(await ask(), known);
}
