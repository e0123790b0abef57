import type { ReplayEntry } from '../../audit/index.js';
import { decodeBlock } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { base64ToBytes, createClient, type ResultOf } from '../rpc/index.js';
import { writeCar } from './car.js';
import { ExportError } from './error.js';

export interface ExportOptions {
  /** RPC address of a node. */
  readonly url: string;
  readonly file: string;
  /** Called after each height. */
  readonly onProgress?: (height: number) => void;
}

/** What an export holds. `bytes` counts blocks, certificates and payloads, without the file's own framing. */
export interface Exported {
  readonly blocks: number;
  readonly payloads: number;
  readonly bytes: number;
}

/**
 * Writes the chain of a node, up to its head of this moment, into a CAR file.
 *
 * Throws RpcError; ExportError "unavailable" if the node has no block or lacks one on the way.
 */
export async function exportChain({ url, file, onProgress }: ExportOptions): Promise<Exported> {
  const client = createClient(url);
  const { height: head } = await client.call('chain.status', {});
  if (head === 0) throw new ExportError('unavailable', `${url} has no block yet: there is nothing to export`);
  const { blocks: last } = await client.call('chain.export', { from: head, to: head });
  const count = { blocks: 0, payloads: 0, bytes: 0 };
  const bytesOf = (base64: string): Uint8Array => {
    const bytes = base64ToBytes(base64);
    if (bytes !== null) return bytes;
    throw new ExportError('unavailable', `${url} does not answer in base64`);
  };
  async function* entries(): AsyncGenerator<ReplayEntry> {
    for (let from: number | null = 1; from !== null; ) {
      const part: ResultOf<'chain.export'> = await client.call('chain.export', { from, to: head });
      for (const item of part.blocks) {
        const block = bytesOf(item.block);
        const certificate = bytesOf(item.certificate);
        const payloads: Uint8Array[] = [];
        for (const { id } of decodeBlock(block).transactions.flatMap((one) => one.payloads)) {
          payloads.push(bytesOf((await client.call('payload.get', { id: bytesToHex(id) })).bytes));
        }
        count.blocks++;
        count.payloads += payloads.length;
        count.bytes += [block, certificate, ...payloads].reduce((sum, { length }) => sum + length, 0);
        yield { block, certificate, payloads };
        onProgress?.(count.blocks);
      }
      from = part.next;
    }
    if (count.blocks < head) throw new ExportError('unavailable', `${url} lacks block ${count.blocks + 1}`);
  }
  await writeCar(file, bytesOf(last[0]!.block), entries());
  return count;
}
