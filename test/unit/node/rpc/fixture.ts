import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readState } from '../../../../chain/index.js';
import { type Closings, gridOf, runClosing, type TaskSpec, taskCell } from '../../../../contracts/index.js';
import { bytesToHex, drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  encodeUpdate,
  parameterCount,
  roundToFine,
  schemaHash,
  toWire,
} from '../../../../fl/index.js';
import { startChain } from '../../../../genesis/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { createLogger } from '../../../../node/log.js';
import { Node } from '../../../../node/node.js';
import {
  type Client,
  createClient,
  createWallet,
  type RpcContext,
  type RpcServer,
  type RpcServerOptions,
  startRpcServer,
  type Wallet,
} from '../../../../node/rpc/index.js';
import { openStore } from '../../../../node/store/index.js';
import { taskSpec as smallTask } from '../../../support/chain.js';
import { type Person, person, testGenesis } from '../../../support/genesis.js';

export const DATASET = new Uint8Array(32).fill(7);
export const WAIT_MS = 20_000;

/** One real validator with a real store behind a real server; `stranger` is a device of another hospital. */
export interface TestNode {
  readonly node: Node;
  readonly context: RpcContext;
  readonly server: RpcServer;
  readonly client: Client;
  readonly validator: Person;
  readonly devices: readonly Person[];
  readonly publisher: Person;
  readonly stranger: Person;
  readonly bugs: readonly unknown[];
  wallet(of: Person): Wallet;
  close(): Promise<void>;
}

export async function startTestNode(options: Partial<RpcServerOptions> = {}): Promise<TestNode> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-rpc-'));
  const { genesis: plain, validators, devices, publisher } = testGenesis(1, 2);
  const stranger = person('elsewhere-device-1');
  const account = {
    publicKey: bytesToHex(stranger.publicKey),
    role: 'device',
    name: stranger.name,
    hospital: 'elsewhere',
    level: 2,
    vrfPublicKey: null,
  } as const;
  const genesis = { ...plain, accounts: [...plain.accounts, account] };
  const chain = startChain(genesis);
  const validator = validators[0]!;
  const store = await openStore({
    path: join(folder, 'data'),
    chainId: chain.chainId,
    genesisState: chain.tip.state,
    create: true,
  });
  const failures: Error[] = [];
  const node = new Node({
    chain,
    store,
    transport: createMemoryNetwork().transport(validator.secret),
    closer: {
      run: async (job: Parameters<typeof runClosing>[0]) => runClosing(job),
      propose: (closings: Closings) => closings,
      close: async () => {},
    },
    keys: { secret: validator.secret, vrfSecret: validator.vrfSecret },
    log: createLogger('warn', (line) => process.stderr.write(line)),
    onFatal: (error) => failures.push(error),
  });
  await node.start();
  const context: RpcContext = {
    chainId: chain.chainId,
    genesisText: JSON.stringify(genesis),
    nodeName: validator.name,
    publicKey: node.publicKey,
    head: () => node.tip,
    store,
    submit: (transaction, payloads) => node.submit(transaction, payloads),
    pending: (hash) => node.pending(hash),
    nextNonce: (publicKey) => node.nextNonce(publicKey),
    waitForChange: (since, timeoutMs) => node.waitForChange(since, timeoutMs),
    peers: () => [],
    agreement: () => node.agreement(),
    health: () => node.health(),
    metrics: () => node.metrics(),
    approve: (terms) => node.approve(terms),
  };
  const bugs: unknown[] = [];
  const server = await startRpcServer({
    context,
    port: 0,
    onBug: (_, error) => bugs.push(error),
    ...options,
  });
  const client = createClient(server.url);
  return {
    node,
    context,
    server,
    client,
    validator,
    devices,
    publisher,
    stranger,
    bugs,
    wallet: ({ secret }) => createWallet({ client, chainId: chain.chainId, secret }),
    close: async () => {
      await server.close();
      await node.close();
      await rm(folder, { recursive: true, force: true });
      if (failures.length > 0) throw new AggregateError(failures, 'the node failed');
    },
  };
}

/** A task of level 1 for two devices, private at ε = 3. */
export function taskSpec(rounds: number): TaskSpec {
  const time = { enrolMs: 600_000, deadlineMs: 600_000 };
  return smallTask({ rounds, weightsSeed: new Uint8Array(32).fill(9), devicesMax: 2, quorum: 2, ...time });
}

/** Publishes a task over RPC; gives its id. */
export async function publish(test: TestNode, spec: TaskSpec): Promise<number> {
  const wallet = test.wallet(test.publisher);
  const hash = await wallet.send({ contract: 'tasks', method: 'publish', level: 1, args: { spec } });
  const { ok, detail, events } = await wallet.wait(hash, WAIT_MS);
  if (!ok) throw new Error(`the task was refused: ${detail}`);
  return events[0]!.fields.task as number;
}

/** Declares the dataset and enrols a device with 10 units, all over RPC. */
export async function enrol(test: TestNode, wallet: Wallet, task: number, spec: TaskSpec): Promise<void> {
  const { epsilonMicro, deltaPico } = spec.privacy;
  const budget = { dataset: DATASET, unit: 'record', epsilonMicro, deltaPico, order: null };
  const declared = await wallet.send({ contract: 'privacy', method: 'declare', args: budget });
  const schema = schemaHash(spec.schema);
  const { approval } = await test.client.call('enrolment.approve', {
    task,
    device: bytesToHex(wallet.publicKey),
    units: 10,
    dataset: bytesToHex(DATASET),
    schemaHash: bytesToHex(schema),
  });
  const signature = new Uint8Array(Buffer.from(approval, 'hex'));
  const args = { task, units: 10, dataset: DATASET, schemaHash: schema, approval: signature };
  const applied = await wallet.send({ contract: 'tasks', method: 'apply', level: 1, args });
  for (const hash of [declared, applied]) {
    const { ok, detail } = await wallet.wait(hash, WAIT_MS);
    if (!ok) throw new Error(`refused: ${detail}`);
  }
}

/** A noised update of `value` in every coordinate, encoded. */
export function updateOf(test: TestNode, task: number, value: number): Uint8Array {
  const found = taskCell.get(readState(test.node.tip.state), task)!;
  const grid = gridOf(found);
  const sum = new Float64Array(parameterCount(found.spec.model)).fill(value);
  const noised = addNoise(roundToFine(sum, grid), grid, drbg(utf8ToBytes(`noise ${value}`)));
  return encodeUpdate(toWire(noised, grid), grid);
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text as JSON, or null. */
  readonly json: {
    readonly id?: unknown;
    readonly result?: unknown;
    readonly error?: {
      readonly code: number;
      readonly message: string;
      readonly data: { readonly code: string; readonly advice: string; readonly path?: string };
    };
  } | null;
}

/** One HTTP request, byte for byte as given: for what a well-behaved client never sends. */
export function raw(
  server: RpcServer,
  body: string | Buffer,
  {
    method = 'POST',
    path = '/',
    headers = {},
  }: { readonly method?: string; readonly path?: string; readonly headers?: OutgoingHttpHeaders } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${server.url}${path}`,
      {
        method,
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode!, headers: response.headers, text, json: jsonIn(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function jsonIn(text: string): RawAnswer['json'] {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function rpc(method: string, params: unknown, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}
