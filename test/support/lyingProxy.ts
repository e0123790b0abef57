import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  encodeStateEntry,
  encodeTransactionProof,
  STATE_ENTRY_BYTES_MAX,
  stateEntryCodec,
  TRANSACTION_PROOF_BYTES_MAX,
  transactionProofCodec,
} from '../../audit/light/index.js';
import { decode } from '../../chain/index.js';
import { base64ToBytes, bytesToBase64 } from '../../crypto/index.js';
import { flipped } from './light.js';

/** What becomes of a method's result on its way to the page. */
export interface Lie {
  readonly method: string;
  readonly alter: (result: never) => unknown;
}

const lastBitTurned = (bytes: Uint8Array): Uint8Array => flipped(bytes, bytes.length * 8 - 1);

/** A step's certificate ends it but for its parent's seed and ring: near the end is a signature. */
const IN_SIGNATURE = 60;

/** Lies in the very form of the truth: whoever does not check believes them. */
export const lieOf = {
  certificate: {
    method: 'proof.follow',
    alter: ({ steps, ...rest }: { readonly steps: readonly string[] }) => ({
      ...rest,
      steps: steps.map((step) => {
        const raw = base64ToBytes(step)!;
        return bytesToBase64(flipped(raw, (raw.length - IN_SIGNATURE) * 8));
      }),
    }),
  },
  eraLeftOut: {
    method: 'proof.follow',
    alter: ({ steps, ...rest }: { readonly steps: readonly string[] }) => ({
      ...rest,
      steps: steps.slice(1),
    }),
  },
  /** Another value for every key that has one. */
  state: {
    method: 'proof.state',
    alter: ({ entries, ...rest }: { readonly entries: readonly string[] }) => ({
      ...rest,
      entries: entries.map((raw) => {
        const entry = decode(stateEntryCodec, base64ToBytes(raw)!, STATE_ENTRY_BYTES_MAX);
        return bytesToBase64(
          encodeStateEntry({ ...entry, value: entry.value && lastBitTurned(entry.value) }),
        );
      }),
    }),
  },
  /** What the state of today says, as if it had been so a block ago. */
  earlierState: {
    method: 'proof.state',
    alter: ({ height, ...rest }: { readonly height: number }) => ({ ...rest, height: height - 1 }),
  },
  transaction: {
    method: 'proof.transaction',
    alter: ({ proof, ...rest }: { readonly proof: string }) => {
      const shown = decode(transactionProofCodec, base64ToBytes(proof)!, TRANSACTION_PROOF_BYTES_MAX);
      const transaction = { ...shown.transaction, leaf: lastBitTurned(shown.transaction.leaf) };
      return { ...rest, proof: bytesToBase64(encodeTransactionProof({ ...shown, transaction })) };
    },
  },
} as const satisfies Readonly<Record<string, Lie>>;

/**
 * Stands before a node as if it were it: hands pages and calls through, and alters answers as it is told. Whoever
 * serves a page may also serve another page; what is shown here is that the client in an honest page believes nothing.
 */
export async function startProxy(target: string) {
  let lie: Lie | null = null;
  const server = createServer((request, response) => {
    forward(target, request, response, () => lie).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lieAbout: (told: Lie | null) => {
      lie = told;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function forward(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  told: () => Lie | null,
): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  const body = method === 'POST' ? await buffer(request) : null;
  const answer = await fetch(`${target}${url}`, {
    method,
    ...(body && { body: new Uint8Array(body), headers: { 'content-type': 'application/json' } }),
  });
  let bytes = Buffer.from(await answer.arrayBuffer());
  const lie = told();
  if (body !== null && lie !== null && JSON.parse(body.toString()).method === lie.method) {
    const { result, ...rest } = JSON.parse(bytes.toString());
    bytes = Buffer.from(JSON.stringify({ ...rest, result: lie.alter(result as never) }));
  }
  const headers = ['content-type', 'content-security-policy'].flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  response.writeHead(answer.status, Object.fromEntries(headers)).end(bytes);
}
