/**
 * How fast payloads travel between 4 nodes, as a share of what one raw libp2p stream carries between two of them,
 * measured in the same run. Nodes are processes on loopback with a store on disk: chunks proved, payloads synced.
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
const STREAM_TIMES = 8;
const MB = 1e6;

interface Peer {
  readonly process: ChildProcess;
  readonly born: Answer;
}

interface Measured {
  /** Bytes that each node that pulls takes in, over the time until the last has them. */
  readonly rate: number;
  /** CPU milliseconds of all nodes for each MB that a node took in. */
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
    const raw: number[] = [];
    const gathered: Measured[] = [];
    const spread: Measured[] = [];
    for (let time = 0; time < times; time += 1) {
      raw.push(await stream(peers));
      const seeds = (part: number) =>
        Array.from({ length: count }, (_, nth) => (2 * time + part) * count + nth);
      gathered.push(await pull(peers, [1, 2, 3], [0], seeds(0), bytes));
      spread.push(await pull(peers, [0], [1, 2, 3], seeds(1), bytes));
    }
    return rows({ raw: median(raw), gathered, spread }, `${count} of ${bytes} bytes`);
  } finally {
    for (const { process } of peers) if (process.connected) process.disconnect();
  }
}

async function stream([first, second]: readonly Peer[]): Promise<number> {
  const { ms } = await carry(second!, {
    kind: 'stream',
    from: first!.born.self,
    bytes: STREAM_BYTES,
    times: STREAM_TIMES,
  });
  return (STREAM_BYTES * STREAM_TIMES) / MB / (ms / 1_000);
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
  const seconds = Math.max(...answers.map(({ ms }) => ms)) / 1_000;
  const each = (seeds.length * bytes) / MB;
  const cpuMs = answers.reduce((sum, answer) => sum + answer.cpuMs, 0);
  return { rate: each / seconds, cpu: cpuMs / (each * pullers.length) };
}

function rows(
  { raw, gathered, spread }: Record<'gathered' | 'spread', readonly Measured[]> & { readonly raw: number },
  what: string,
): readonly Row[] {
  const row = (name: string, value: number, unit: string, reference: string | null = null): Row => ({
    name,
    value,
    unit,
    goal: null,
    met: null,
    reference,
  });
  const shape = (name: string, measured: readonly Measured[]): readonly Row[] => {
    const rate = median(measured.map((each) => each.rate));
    return [
      row(`payloads ${name}`, rate, 'MB/s a node', what),
      row(`payloads ${name}, share of a raw stream`, (100 * rate) / raw, '%'),
      row(`payloads ${name}, CPU of who pulls`, median(measured.map(({ cpu }) => cpu)), 'ms a MB'),
    ];
  };
  return [
    row('one raw libp2p stream', raw, 'MB/s', `${STREAM_TIMES} responses of 8 MiB, one after another`),
    ...shape('gathered from three nodes', gathered),
    ...shape('spread from one node to three', spread),
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
