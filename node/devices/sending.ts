import type { TrainerPool } from '../../fl/trainer/index.js';
import type { Logger } from '../log.js';
import { type Client, RpcError, type Wallet } from '../rpc/index.js';
import type { Device } from './device.js';
import { DeviceError } from './error.js';
import type { FetchPayload } from './payloads.js';

const COMMIT_MS = 60_000;

export interface AgentOptions {
  readonly device: Device;
  readonly chainId: Uint8Array;
  /** Nodes to submit to, the hospital's own first: a hospital that won't listen can't silence its devices. */
  readonly clients: readonly Client[];
  readonly fetchPayload: FetchPayload;
  readonly pool: Pick<TrainerPool, 'train' | 'prepare'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Resolves when the own node is not behind the others: a round that it shows before that may be over. */
  readonly caughtUp: (signal: AbortSignal) => Promise<void>;
}

/** What a device needs to speak with nodes. One wallet a node. */
export interface Sender extends AgentOptions {
  /** Id of the device's account in hex: what the chain names it by, whatever its key is now. */
  readonly account: string;
  readonly wallets: readonly Wallet[];
}

/** Through the own node, or the next one that can be reached. A refusal by contract is an error unless it's late. */
export async function send(part: Sender, call: Parameters<Wallet['send']>[0], wait = true): Promise<string> {
  const { wallets, device, log, signal } = part;
  for (const [i, wallet] of wallets.entries()) {
    try {
      const hash = await wallet.send(call, { signal });
      if (!wait) return hash;
      const { ok, code, detail } = await wallet.wait(hash, COMMIT_MS, { signal });
      if (ok || code === 'already-declared' || code === 'already-enrolled') return hash;
      throw new DeviceError('refused', `${call.contract}.${call.method} was refused: ${code}: ${detail}`);
    } catch (error) {
      const unreachable = error instanceof RpcError && error.word === 'unreachable';
      if (!unreachable || i === wallets.length - 1) throw error;
      log('warn', 'device-turns-elsewhere', { device: device.name, error: String(error) });
    }
  }
  throw new Error('this device knows no node to send to: list some in deviceNodes');
}
