import { baseOf, createReplay, type ReplayBase, type ReplayEntry } from '../../audit/index.js';
import { decodeBlock } from '../../chain/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { parseGenesis, startChain } from '../../genesis/index.js';
import { base64ToBytes, type Client, createClient, type ResultOf, RpcError } from '../rpc/index.js';
import { type ExportItem, writeCar } from './car.js';
import { ExportError } from './error.js';
import { createMarking } from './marking.js';

export interface ExportOptions {
  /** RPC address of a node. */
  readonly url: string;
  readonly file: string;
  /** First and last height; the first that the node has and the head of this moment unless told otherwise. */
  readonly from?: number;
  readonly to?: number;
  /**
   * A range begins with the state that it builds on, so that it can be replayed. The state is computed here, by
   * replaying everything before it: it costs as much as an audit of that part.
   */
  readonly withState?: boolean;
  /** Called after each height that was written. */
  readonly onProgress?: (height: number) => void;
}

/** What an export holds. `bytes` counts blocks, certificates and payloads, without the file's own framing. */
export interface Exported {
  readonly from: number;
  readonly to: number;
  readonly blocks: number;
  readonly payloads: number;
  /** Payloads that the node no longer has. */
  readonly absent: number;
  readonly bytes: number;
}

/**
 * Writes the chain of a node, or a range of it, into a CAR file.
 *
 * Throws RpcError; ExportError "unavailable" if the node has no block or lacks one on the way, or if what it has before
 * a range with state does not hold; "bad-range" for heights that the chain does not have.
 */
export async function exportChain(options: ExportOptions): Promise<Exported> {
  const { url, file, withState = false, onProgress } = options;
  const client = createClient(url);
  const { height: head, chainId, base } = await client.call('chain.status', {});
  if (head === 0) throw new ExportError('unavailable', `${url} has no block yet: there is nothing to export`);
  const { from = base + 1, to = head } = options;
  if (from < 1 || from > to || to > head)
    throw new ExportError('bad-range', `the chain has heights 1 to ${head}, and no range ${from} to ${to}`);
  if (from <= base || (withState && base > 0)) {
    const what = from <= base ? `the blocks up to there` : 'the state before a later one';
    const message = `${url} joined at height ${base} by a snapshot and cannot give ${what}: ask another node`;
    throw new ExportError('unavailable', message);
  }
  const { blocks: last } = await client.call('chain.export', { from: to, to });
  const count = { blocks: 0, payloads: 0, absent: 0, bytes: 0 };
  const mark = createMarking(({ id }) => payloadOf(client, url, id));
  async function* items(): AsyncGenerator<ExportItem> {
    if (withState && from > 1) yield { kind: 'base', base: await baseBefore(client, url, from, mark) };
    for await (const entry of entriesOf(client, url, from, to, mark)) {
      const held = [...entry.payloads.filter((payload) => payload !== null), ...(entry.made ?? [])];
      count.blocks++;
      count.payloads += held.length;
      count.absent += entry.payloads.filter((payload) => payload === null).length;
      count.bytes += [entry.block, entry.certificate, ...held].reduce((sum, { length }) => sum + length, 0);
      yield { kind: 'entry', entry };
      onProgress?.(from + count.blocks - 1);
    }
  }
  await writeCar(file, hexToBytes(chainId), bytesOf(url, last[0]!.block), items());
  return { from, to, ...count };
}

/** Block, certificate and payloads of each height, in order. */
async function* entriesOf(
  client: Client,
  url: string,
  from: number,
  to: number,
  mark: ReturnType<typeof createMarking>,
): AsyncGenerator<ReplayEntry> {
  let height = from;
  for (let at: number | null = from; at !== null; ) {
    const part: ResultOf<'chain.export'> = await client.call('chain.export', {
      from: at,
      to,
      receipts: true,
    });
    for (const item of part.blocks) {
      const block = bytesOf(url, item.block);
      const decoded = decodeBlock(block);
      const payloads: (Uint8Array | null)[] = [];
      for (const { id } of decoded.transactions.flatMap((one) => one.payloads))
        payloads.push(await payloadOf(client, url, id));
      const receipts = (item.receipts ?? []).map((receipt) => bytesOf(url, receipt));
      const marked = await mark(decoded, payloads, receipts);
      yield { block, certificate: bytesOf(url, item.certificate), payloads, ...marked };
      height += 1;
    }
    at = part.next;
  }
  if (height <= to) throw new ExportError('unavailable', `${url} lacks block ${height}`);
}

/** Null: the node does not have it any more. It was part of a block, so it once did. */
async function payloadOf(client: Client, url: string, id: Uint8Array): Promise<Uint8Array | null> {
  try {
    return bytesOf(url, (await client.call('payload.get', { id: bytesToHex(id) })).bytes);
  } catch (error) {
    if (error instanceof RpcError && error.word === 'not-found') return null;
    throw error;
  }
}

/** The state before `from`, by a replay of all that came before. */
async function baseBefore(
  client: Client,
  url: string,
  from: number,
  mark: ReturnType<typeof createMarking>,
): Promise<ReplayBase> {
  const genesis = parseGenesis((await client.call('chain.genesis', {})).genesis);
  if (!genesis.ok) throw new ExportError('unavailable', `${url} tells no genesis: ${genesis.detail}`);
  const replay = createReplay(startChain(genesis.genesis));
  let parentSeed = replay.tip.seed;
  let last: ReplayEntry | null = null;
  for await (const entry of entriesOf(client, url, 1, from - 1, mark)) {
    parentSeed = replay.tip.seed;
    const wrong = replay.take(entry);
    if (wrong !== null)
      throw new ExportError(
        'unavailable',
        `the chain of ${url} does not hold at ${wrong.height}: ${wrong.detail}`,
      );
    last = entry;
  }
  return baseOf(replay.state, parentSeed, last!);
}

function bytesOf(url: string, base64: string): Uint8Array {
  const bytes = base64ToBytes(base64);
  if (bytes !== null) return bytes;
  throw new ExportError('unavailable', `${url} does not answer in base64`);
}
