/**
 * How fast payloads travel between 4 nodes, as a share of what one raw libp2p stream carries between two of them,
 * measured in the same run, as are the other limits of the machine: as many raw streams as there are pullers or
 * holders, SHA-256, and the store. Nodes are processes on loopback with a store on disk: chunks proved, payloads synced.
 *
 * Two shapes. Gathered: three hold the payloads, the fourth pulls them from all. Spread: one holds them, three pull
 * them from it and from each other, as after an update was handed in.
 *
 * Run: npm run bench -- payloads [--count 20] [--bytes 1040000] [--times 3]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Announced, Answer, Order } from './load/payloadPeer.js';
import { median, type Row } from './row.js';

const NODES = 4;
/** One response of the raw stream, and how many follow one another. */
const STREAM_BYTES = 8 * 1024 * 1024;
const STREAM_TIMES = 4;
const HASHED_BYTES = 64 * 1024 * 1024;
const MB = 1e6;

interface Peer {
  readonly process: ChildProcess;
  readonly born: Answer;
}

interface Measured {
  /** MB a second that each node takes in, over the time until the last has them. */
  readonly rate: number;
  /** CPU milliseconds of a node that takes in, for each MB. */
  readonly cpu: number;
}

export async function payloads(args: readonly string[]): Promise<readonly Row[]> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: { count: text('20'), bytes: text('1040000'), times: text('3') },
  });
  const [count, bytes, times] = [Number(values.count), Number(values.bytes), Number(values.times)];
  const peers = await Promise.all(Array.from({ length: NODES }, (_, nth) => startPeer(`node ${nth}`)));
  try {
    const book = peers.map(({ born }) => ({ key: born.self, addresses: born.addresses }));
    await Promise.all(peers.map((peer) => carry(peer, { kind: 'meet', peers: book })));
    const found: Found = { raw: [], to: [], from: [], hash: [], disk: [], gathered: [], spread: [] };
    for (let time = 0; time < times; time += 1) {
      const seeds = (part: number) =>
        Array.from({ length: count }, (_, nth) => (3 * time + part) * count + nth);
      found.raw.push(await stream(peers, [0], [1]));
      found.to.push(await stream(peers, [0], [1, 2, 3]));
      found.from.push(await stream(peers, [1, 2, 3], [0]));
      found.hash.push(await alone(peers[0]!, { kind: 'hash', bytes: HASHED_BYTES }, HASHED_BYTES));
      found.disk.push(await alone(peers[0]!, { kind: 'write', seeds: seeds(2), bytes }, count * bytes));
      found.gathered.push(await pull(peers, [1, 2, 3], [0], seeds(0), bytes));
      found.spread.push(await pull(peers, [0], [1, 2, 3], seeds(1), bytes));
    }
    return rows(found, `${count} of ${bytes} bytes`);
  } finally {
    for (const { process } of peers) if (process.connected) process.disconnect();
  }
}

/** Bytes that each node that takes in raw streams gets from each that sends, all at once. */
async function stream(
  peers: readonly Peer[],
  senders: readonly number[],
  takers: readonly number[],
): Promise<Measured> {
  const answers = await Promise.all(
    takers.map((taker) =>
      carry(peers[taker]!, {
        kind: 'stream',
        from: senders.map((sender) => peers[sender]!.born.self),
        bytes: STREAM_BYTES,
        times: STREAM_TIMES,
      }),
    ),
  );
  return measured(answers, STREAM_BYTES * STREAM_TIMES * senders.length);
}

async function alone(peer: Peer, order: Order, bytes: number): Promise<Measured> {
  return measured([await carry(peer, order)], bytes);
}

/** Of nodes that took in so many bytes each. */
function measured(answers: readonly Answer[], bytes: number): Measured {
  const seconds = Math.max(...answers.map(({ ms }) => ms)) / 1_000;
  const cpuMs = answers.reduce((sum, answer) => sum + answer.cpuMs, 0);
  return { rate: bytes / MB / seconds, cpu: cpuMs / ((bytes / MB) * answers.length) };
}

async function pull(
  peers: readonly Peer[],
  holders: readonly number[],
  pullers: readonly number[],
  seeds: readonly number[],
  bytes: number,
): Promise<Measured> {
  let held: readonly Announced[] = [];
  for (const holder of holders) held = (await carry(peers[holder]!, { kind: 'hold', seeds, bytes })).payloads;
  const from = peers.map(({ born }) => born.self);
  const answers = await Promise.all(
    pullers.map((puller) => carry(peers[puller]!, { kind: 'fetch', payloads: held, from })),
  );
  return measured(answers, seeds.length * bytes);
}

type Found = Record<'raw' | 'to' | 'from' | 'hash' | 'disk' | 'gathered' | 'spread', Measured[]>;

function rows(found: Found, what: string): readonly Row[] {
  const rateOf = (measured: readonly Measured[]) => median(measured.map(({ rate }) => rate));
  const raw = rateOf(found.raw);
  const row = (name: string, value: number, unit: string, reference: string | null = null): Row => ({
    name,
    value,
    unit,
    goal: null,
    met: null,
    reference,
  });
  const measuredRows = (name: string, all: readonly Measured[], reference: string): readonly Row[] => [
    row(name, rateOf(all), 'MB/s a node', reference),
    row(`${name}, CPU`, median(all.map(({ cpu }) => cpu)), 'ms a MB', 'of who takes in, all threads'),
  ];
  const shape = (name: string, all: readonly Measured[], limit: number): readonly Row[] => [
    ...measuredRows(`payloads ${name}`, all, what),
    row(`payloads ${name}, share of one raw stream`, (100 * rateOf(all)) / raw, '%'),
    row(`payloads ${name}, share of raw streams between the same nodes`, (100 * rateOf(all)) / limit, '%'),
  ];
  const responses = `${STREAM_TIMES} responses of 8 MiB, one after another`;
  return [
    ...measuredRows('one raw libp2p stream', found.raw, responses),
    ...measuredRows('three raw streams, to one node', found.from, responses),
    ...measuredRows('three raw streams, from one node', found.to, responses),
    ...measuredRows(
      'SHA-256 of chunks',
      found.hash,
      'each payload is hashed twice: as chunks, and put together',
    ),
    ...measuredRows('payloads into the store', found.disk, `${what}, synced, hashed`),
    ...shape('gathered from three nodes', found.gathered, rateOf(found.from)),
    ...shape('spread from one node to three', found.spread, rateOf(found.to)),
  ];
}

async function startPeer(name: string): Promise<Peer> {
  const program = fileURLToPath(new URL('./load/payloadPeer.js', import.meta.url));
  const child = fork(program, [name], { serialization: 'advanced' });
  return { process: child, born: await answerOf(child) };
}

async function carry({ process }: Peer, order: Order): Promise<Answer> {
  const answer = answerOf(process);
  process.send(order);
  return answer;
}

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('a node of the bench ended'));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as Answer);
    });
  });
}
