import { readdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { Random } from '../../sim/random.js';
import { type Material, type Message, nextMessage, waits } from './calls.js';
import { faultOf, statusFault } from './judge.js';
import { nextRaw } from './raw.js';
import { openTalk, post, type Talk, throwAt, WireFault } from './wire.js';

export interface RpcFuzzOptions {
  readonly url: string;
  /** The node's process, for its memory and open files; these are read where there is /proc. */
  readonly pid: number;
  /** Some calls show it. */
  readonly adminToken: string | null;
  readonly material: Material;
  readonly calls: number;
  readonly seed: number;
  /** Asks the node something whose answer is known; throws if another one comes. */
  readonly probe: () => Promise<void>;
}

export interface RpcFuzzFinding {
  readonly lane: string;
  readonly kind: string;
  readonly detail: string;
  /** What was sent, in hex; the first 4,000 bytes. */
  readonly input: string;
}

export interface RpcFuzzResult {
  /** Messages by their kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Answers by their word; `answered`: a result. */
  readonly words: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** Resident memory of the node's process. Null where there is no /proc. */
  readonly memory: { readonly warmBytes: number; readonly endBytes: number } | null;
  /** Open files of the node's process, when nobody called it. */
  readonly openFiles: { readonly before: number; readonly after: number } | null;
  readonly finding: RpcFuzzFinding | null;
}

/** How the calls are shared out, per mille. Those who listen to silence are many, so that they wait side by side. */
const LANES = [
  ...Array<readonly ['http', number]>(4).fill(['http', 150]),
  ...Array<readonly ['socket', number]>(3).fill(['socket', 100]),
  ...Array<readonly ['raw', number]>(5).fill(['raw', 20]),
];
/** A probe comes after as many calls of a lane. */
const PROBE_EACH = 500;
/** Messages of one WebSocket. */
const TALK_MESSAGES = 100;
/** How long the node may keep a connection on which half a head came: its limit is 10 s, looked at every 5 s. */
const CUT_MS = 30_000;

interface Run extends RpcFuzzOptions {
  readonly kinds: Map<string, number>;
  readonly words: Map<string, number>;
  readonly memories: number[];
  readonly held: Set<Socket>;
  done: number;
  slowestMs: number;
  finding: RpcFuzzFinding | null;
}

/**
 * Sends malformed calls to a running node, in twelve lanes at once, and ends at the first finding. Each lane's calls follow
 * from the seed and what the node's chain knows; how lanes mix does not.
 */
export async function fuzzRpc(options: RpcFuzzOptions): Promise<RpcFuzzResult> {
  const run: Run = {
    ...options,
    kinds: new Map(),
    words: new Map(),
    memories: [],
    held: new Set(),
    done: 0,
    slowestMs: 0,
    finding: null,
  };
  const before = openFiles(options.pid);
  await Promise.all(
    LANES.map(([via, share], lane) => {
      const calls = Math.ceil((options.calls * share) / 1_000);
      return lanes[via](run, `${via} ${lane}`, calls, new Random(options.seed + lane));
    }),
  );
  run.finding ??= await aftermath(run, before);
  for (const socket of run.held) socket.destroy();
  return {
    kinds: sorted(run.kinds),
    words: sorted(run.words),
    slowestMs: run.slowestMs,
    memory: memoryOf(run.memories),
    openFiles: before === null ? null : { before, after: openFiles(options.pid)! },
    finding: run.finding,
  };
}

const lanes = { http: httpLane, socket: socketLane, raw: rawLane } as const;

async function httpLane(run: Run, lane: string, calls: number, random: Random): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < calls && run.finding === null; i += 1) {
    const message = nextMessage(run.material, random);
    const token = random.chance(100) ? run.adminToken : null;
    const leave = waits(message.bytes);
    await attempt(run, lane, message, async () => {
      const heard = await post(run.url, message.bytes, { agent, token, leave });
      return faultOf(message.bytes, heard, run.words);
    });
  }
  agent.destroy();
}

async function socketLane(run: Run, lane: string, calls: number, random: Random): Promise<void> {
  let talk = null as Talk | null;
  for (let i = 0; i < calls && run.finding === null; i += 1) {
    const message = nextMessage(run.material, random);
    const binary = random.chance(200);
    if (i % TALK_MESSAGES === TALK_MESSAGES - 1) {
      talk?.leave(random.chance(500));
      talk = null;
    }
    await attempt(run, lane, message, async () => {
      if (talk === null || talk.closedWith !== null) talk = await openTalk(run.url);
      if (!waits(message.bytes)) return talkFault(run, talk, message.bytes, binary);
      // Answers come in order: the only way past a wait is to go.
      void talk.say(message.bytes, binary).catch(() => {});
      talk.leave(true);
      return null;
    });
  }
  talk?.leave(false);
}

async function talkFault(run: Run, talk: Talk, bytes: Buffer, binary: boolean): Promise<string | null> {
  const heard = await talk.say(bytes, binary);
  if (heard === null) return talk.closedWith === 1011 ? 'the node closed a WebSocket for a bug' : null;
  for (const text of heard) {
    const fault = faultOf(bytes, { status: null, text }, run.words);
    if (fault !== null) return fault;
  }
  return null;
}

async function rawLane(run: Run, lane: string, calls: number, random: Random): Promise<void> {
  const url = new URL(run.url);
  for (let i = 0; i < calls && run.finding === null; i += 1) {
    const attack = nextRaw(url.host, random);
    await attempt(run, lane, { kind: attack.kind, bytes: Buffer.concat(attack.pieces) }, async () => {
      const heard = await throwAt(url, attack, run.held);
      if (/"error":\{"code":-32603/.test(heard)) return 'internal-error';
      for (const [, status] of heard.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
        const fault = statusFault(Number(status));
        if (fault !== null) return fault;
      }
      return null;
    });
  }
}

async function attempt(
  run: Run,
  lane: string,
  { kind, bytes }: Message,
  act: () => Promise<string | null>,
): Promise<void> {
  const began = performance.now();
  const find = (detail: string) => {
    run.finding ??= { lane, kind, detail, input: bytes.subarray(0, 4_000).toString('hex') };
  };
  try {
    const fault = await act();
    if (fault !== null) find(fault);
    run.slowestMs = Math.max(run.slowestMs, performance.now() - began);
    run.kinds.set(kind, (run.kinds.get(kind) ?? 0) + 1);
    run.done += 1;
    if (run.done % PROBE_EACH === 0) {
      const memory = residentBytes(run.pid);
      if (memory !== null) run.memories.push(memory);
      await run.probe();
    }
  } catch (error) {
    const known = error instanceof WireFault;
    find(known ? error.message : `the probe got another answer: ${String((error as Error).stack ?? error)}`);
  }
}

/** After the last call: the node answers, cuts who never finished, and has given back its sockets. */
async function aftermath(run: Run, before: number | null): Promise<RpcFuzzFinding | null> {
  const fail = (detail: string): RpcFuzzFinding => ({ lane: 'end', kind: 'end', detail, input: '' });
  try {
    await run.probe();
  } catch (error) {
    return fail(`the node no longer answers right: ${String(error)}`);
  }
  const until = performance.now() + CUT_MS;
  const open = () => (before === null ? 0 : openFiles(run.pid)! - before);
  while ((run.held.size > 0 || open() > FILES_SLACK) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 100));
  if (run.held.size > 0) return fail(`${run.held.size} half-open connections are open after ${CUT_MS} ms`);
  if (open() > FILES_SLACK) return fail(`${open()} files more than before are open after ${CUT_MS} ms`);
  return null;
}

/** LevelDB opens and closes files of its own. */
const FILES_SLACK = 8;

function openFiles(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

function residentBytes(pid: number): number | null {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** The most in the second fifth of a run, when all is loaded and every pool filled, and the most in the last fifth. */
function memoryOf(samples: readonly number[]): RpcFuzzResult['memory'] {
  if (samples.length < 5) return null;
  const fifth = Math.floor(samples.length / 5);
  const most = (from: number) => Math.max(...samples.slice(from, from + fifth));
  return { warmBytes: most(fifth), endBytes: most(samples.length - fifth) };
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
