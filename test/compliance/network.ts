import { bytesToHex, publicKeyOf, sha256, utf8ToBytes } from '../../crypto/index.js';
import type { NetLimits, PeerKey, Transport } from '../../net/index.js';
import { Collector } from './deadline.js';

/** What a kind of transport brings to the compliance suite. */
export interface TransportKind {
  readonly name: string;
  /** A new network, in which transports of the same chain id can find each other. */
  create(onError: (error: Error) => void): TransportFactory;
}

export interface TransportFactory {
  /** `listen` is null for a fresh address, or the addresses of a transport that was stopped. */
  transport(secret: Uint8Array, listen: readonly string[] | null, limits: Partial<NetLimits>): Transport;
}

/** Nodes of a test: secrets from a label, so that a run is repeatable; everything is stopped at the end. */
export class TestNetwork {
  readonly errors = new Collector<Error>();
  readonly #factory: TransportFactory;
  readonly #limits: Partial<NetLimits>;
  readonly #changes = new Collector<string>();
  readonly #started: Transport[] = [];

  constructor(kind: TransportKind, limits: Partial<NetLimits> = {}) {
    this.#factory = kind.create(this.errors.push);
    // Short waits between dials: the tests restart peers.
    this.#limits = { redialMinMs: 10, redialMaxMs: 100, dialGraceMs: 50, gossipHeartbeatMs: 100, ...limits };
  }

  static secret(label: string): Uint8Array {
    return sha256(utf8ToBytes(`compliance/${label}`));
  }

  static key(label: string): PeerKey {
    return bytesToHex(publicKeyOf(TestNetwork.secret(label)));
  }

  create(label: string, listen: readonly string[] | null = null, limits: Partial<NetLimits> = {}): Transport {
    const transport = this.#factory.transport(TestNetwork.secret(label), listen, {
      ...this.#limits,
      ...limits,
    });
    transport.onPeer((peer, state) => this.#changes.push(`${transport.self} ${state} ${peer}`));
    this.#started.push(transport);
    return transport;
  }

  async start(...labels: string[]): Promise<Transport[]> {
    const transports = labels.map((label) => this.create(label));
    for (const transport of transports) await transport.start();
    return transports;
  }

  /** Starts nodes that know each other and waits until all are connected. */
  async connected(...labels: string[]): Promise<Transport[]> {
    const transports = await this.start(...labels);
    for (const transport of transports) transport.setPeers(addressBook(transports));
    await this.allConnected(transports);
    return transports;
  }

  /** Resolves once each of the transports counts all others as connected. */
  async allConnected(transports: readonly Transport[]): Promise<void> {
    await this.until('all to be connected', () =>
      transports.every((transport) =>
        transports.every((other) => other === transport || transport.connectedPeers().includes(other.self)),
      ),
    );
  }

  /** Resolves once the condition holds, looking after each change of any transport's peers. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await this.#changes.until(what, condition);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((transport) => transport.stop()));
  }
}

export function addressBook(transports: readonly Transport[]) {
  return transports.map((transport) => ({ key: transport.self, addresses: transport.addresses() }));
}
