import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { parseGenesis } from '../../genesis/index.js';
import {
  createLightClient,
  findBudget,
  findKey,
  findModel,
  findTransaction,
  type LightFinding,
  LightSession,
} from '../../node/light/page.js';
import { ask } from '../ask.js';

/** In a thread of its own: follows headers by certificates from the genesis and proves one thing, believing nobody. */
export interface ToProve {
  readonly what: 'transaction' | 'budget' | 'model' | 'key';
  readonly values: readonly string[];
  /** The genesis file's text, if its owner has it; else the node's, which must then have this chain id. */
  readonly genesisText: string | null;
  readonly chainId: string;
}

export type Proved =
  | { readonly step: string }
  | { readonly finding: LightFinding; readonly head: { readonly height: number; readonly hash: string } }
  | { readonly refused: { readonly code: string; readonly message: string } };

/** What is used of a worker's own scope; the types of pages have no such thing. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToProve>) => Promise<void>;
  postMessage(message: unknown): void;
};
const tell = (proved: Proved) => scope.postMessage(proved);

scope.onmessage = async ({ data }: MessageEvent<ToProve>) => {
  try {
    await prove(data);
  } catch (error) {
    const { code, word, message } = error as { code?: unknown; word?: unknown; message: string };
    tell({ refused: { code: String(word ?? code ?? 'error'), message } });
  }
};

async function prove({ what, values, genesisText, chainId }: ToProve): Promise<void> {
  const text = genesisText ?? (await ask('chain.genesis', {})).genesis;
  const parsed = parseGenesis(text);
  if (!parsed.ok) throw Object.assign(new Error(parsed.detail), { code: 'bad-genesis' });
  const client = createLightClient(location.origin);
  const session = new LightSession({ genesis: parsed.genesis, clients: [client] });
  const own = bytesToHex(session.chain.chainId);
  if (own !== chainId) {
    throw Object.assign(new Error(`This genesis has the chain id ${own}, not the one that you know.`), {
      code: 'another-chain',
    });
  }
  tell({ step: `The genesis has the chain id that you know, ${own.slice(0, 16)}….` });
  const head = await session.followOn();
  tell({ step: `Followed the certificates from there to block ${head.height}.` });
  const [first = '', second = ''] = values;
  const finding = await {
    transaction: () => findTransaction(session, hexToBytes(first)),
    budget: async () => findBudget(session, [client], hexToBytes(first), second === '' ? null : [second]),
    model: () => findModel(session, Number(first), Number(second)),
    key: () => findKey(session, first),
  }[what]();
  tell({ finding, head: { height: head.height, hash: bytesToHex(head.hash) } });
}
