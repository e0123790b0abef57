import { type Client, createClient, RpcError } from '../rpc/index.js';

/** Several nodes of one network as one: a call goes to the next node when the current one does not answer. */
export interface NodePool {
  readonly clients: readonly Client[];
  /** Runs `work` with a node that answers. Throws the last RpcError if none does, at once any other error. */
  use<T>(work: (client: Client) => Promise<T>): Promise<T>;
}

/** Longer than the longest wait that is asked of a node. */
const TIMEOUT_MS = 20_000;
const ELSEWHERE: readonly string[] = ['unreachable', 'timed-out', 'busy', 'bad-answer'];

/** With a signal, every call is given up when it aborts (RpcError "cancelled"). */
export function createNodePool(urls: readonly string[], signal?: AbortSignal): NodePool {
  const options = signal === undefined ? { timeoutMs: TIMEOUT_MS } : { timeoutMs: TIMEOUT_MS, signal };
  const clients = urls.map((url) => createClient(url, options));
  let current = 0;
  return {
    clients,
    use: async (work) => {
      for (let tried = 1; ; tried++) {
        try {
          return await work(clients[current]!);
        } catch (error) {
          if (!isElsewhere(error) || tried >= clients.length) throw error;
          current = (current + 1) % clients.length;
        }
      }
    },
  };
}

function isElsewhere(error: unknown): boolean {
  return error instanceof RpcError && ELSEWHERE.includes(error.word);
}
