import {
  follow,
  LINKS_MAX,
  type LightChain,
  type LightHead,
  type LightRefusal,
  linkBack,
  type ProvedBlock,
} from '../../audit/light/index.js';
import { base64ToBytes } from '../../crypto/index.js';
import { RpcError } from '../rpc/errors.js';
import type { LightClient } from './client.js';
import { LightError } from './error.js';

/** Follows one node's steps from a proved head to a later height. Throws LightError, RpcError. */
export async function walk(
  chain: LightChain,
  client: LightClient,
  from: LightHead,
  to: number,
): Promise<LightHead> {
  let head = from;
  while (head.height < to) {
    const { steps } = await client.call('proof.follow', { from: head.height, to });
    if (steps.length === 0)
      throw new RpcError('bad-answer', `${client.url} gives no step from ${head.height}`);
    // Each step that holds is at a greater height, so this ends.
    for (const step of steps) head = held(client, follow(chain, head, bytesIn(client, step))).head;
  }
  if (head.height > to) throw new LightError('wrong-height', `${client.url} leads beyond ${to}`);
  return head;
}

/** Goes back from a proved block to an earlier height by one node's headers. Throws LightError, RpcError. */
export async function back(client: LightClient, from: ProvedBlock, to: number): Promise<ProvedBlock> {
  let block = from;
  while (block.header.height > to) {
    const last = block.header.height - 1;
    const first = Math.max(to, last - LINKS_MAX + 1);
    const { headers } = await client.call('proof.headers', { from: first, to: last });
    if (headers.length === 0)
      throw new RpcError('bad-answer', `${client.url} gives no header before ${last + 1}`);
    block = held(
      client,
      linkBack(
        block,
        headers.map((header) => bytesIn(client, header)),
      ),
    ).block;
  }
  if (block.header.height < to) throw new LightError('wrong-height', `${client.url} leads back beyond ${to}`);
  return block;
}

/** What a check shows; throws LightError, which names the node, if it does not hold. */
export function held<R extends { readonly ok: true }>(client: LightClient, result: R | LightRefusal): R {
  if (result.ok) return result;
  throw new LightError(result.reason, `${client.url}: ${result.detail} (${result.reason})`);
}

/** Base64 in an answer. Throws RpcError "bad-answer". */
export function bytesIn(client: LightClient, text: string): Uint8Array {
  const bytes = base64ToBytes(text);
  if (bytes !== null) return bytes;
  throw new RpcError('bad-answer', `${client.url} does not answer in base64`);
}
