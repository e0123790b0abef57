import { payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { base64ToBytes, type Client, RpcError } from '../rpc/index.js';

/** The bytes of a payload that the chain names, checked against that name. Shared: nobody writes to them. */
export type FetchPayload = (id: string) => Promise<Uint8Array>;

/**
 * Fetches from the own node, or another that holds it. Who asks while the same payload is on its way gets that one: the
 * devices of a host all want a round's model at its opening, and of a large one each copy takes a third of a second to
 * fetch. Nothing is kept.
 */
export function payloadsFrom(clients: readonly Client[], signal: AbortSignal): FetchPayload {
  const coming = new Map<string, Promise<Uint8Array>>();
  return (id) => {
    const known = coming.get(id);
    if (known !== undefined) return known;
    const fetched = fetchFrom(clients, id, signal).finally(() => coming.delete(id));
    coming.set(id, fetched);
    return fetched;
  };
}

async function fetchFrom(clients: readonly Client[], id: string, signal: AbortSignal): Promise<Uint8Array> {
  for (const [i, client] of clients.entries()) {
    try {
      const { bytes } = await client.call('payload.get', { id }, { signal });
      const payload = base64ToBytes(bytes);
      if (payload !== null && bytesToHex(payloadId(payload)) === id) return payload;
      throw new Error('the node gave another payload than the chain names');
    } catch (error) {
      const isAbsent = error instanceof RpcError && error.word === 'not-found';
      if (!isAbsent || i === clients.length - 1) throw error;
    }
  }
  throw new Error('this device knows no node to ask: list some in deviceNodes');
}
