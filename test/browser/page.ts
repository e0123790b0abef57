import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { parseGenesis } from '../../genesis/index.js';
import {
  createLightClient,
  findBudget,
  findModel,
  findTransaction,
  LightSession,
} from '../../node/light/page.js';

/** What the test asks of the page; what it proves goes back as plain data. */
export interface Wanted {
  /** The genesis file's text, and the chain id that its owner knows: the rest comes from the node. */
  readonly genesisText: string;
  readonly chainId: string;
  readonly update: string;
  readonly device: string;
  readonly dataset: string;
  readonly task: number;
  readonly round: number;
}

/** Everything that a light client can prove of these, asked from the node that serves the page. */
async function prove(wanted: Wanted) {
  const parsed = parseGenesis(wanted.genesisText);
  if (!parsed.ok) throw new Error(parsed.detail);
  const client = createLightClient(page.location.origin);
  const session = new LightSession({ genesis: parsed.genesis, clients: [client] });
  if (bytesToHex(session.chain.chainId) !== wanted.chainId) throw new Error('another genesis');
  const { height, hash } = await session.followOn();
  const transaction = await findTransaction(session, hexToBytes(wanted.update));
  const budget = await findBudget(session, [client], hexToBytes(wanted.device), [wanted.dataset]);
  const model = await findModel(session, wanted.task, wanted.round);
  return { head: { height, hash: bytesToHex(hash) }, transaction, budget, model };
}

/** As `prove`; a refusal comes as its code. Errors do not cross from a page into a test. */
async function proveOrRefuse(wanted: Wanted) {
  try {
    return { proved: await prove(wanted), refused: null };
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string };
    return { proved: null, refused: { code: String(code ?? 'error'), message } };
  }
}

export type Shown = Awaited<ReturnType<typeof proveOrRefuse>>;

/** What is used of a page; the project is compiled without the types of one. */
const page = globalThis as unknown as {
  readonly location: { readonly origin: string };
  readonly document: { readonly documentElement: { readonly dataset: Record<string, string> } };
  proveOrRefuse: typeof proveOrRefuse;
};
page.proveOrRefuse = proveOrRefuse;
page.document.documentElement.dataset.ready = 'yes';
