import {
  blockHash,
  bytes,
  bytesBetween,
  CERTIFICATE_BYTES_MAX,
  decode,
  decodeBlock,
  decodeCertificate,
  encode,
  limits,
  list,
  nullable,
  rootsMatch,
  struct,
  uint,
} from '../../chain/index.js';
import {
  judgeBlock,
  judgeEmpty,
  nextCommittee,
  type Rules,
  verifyCertificate,
} from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import type { PayloadExchange, Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Store } from '../store/index.js';
import type { Driver } from './driver.js';
import { missingPayloads } from './height.js';
import { decodeProposal, encodeProposal, MESSAGE_BYTES_MAX, type SignedProposal } from './message.js';

const RANGE_PROTOCOL = '/consilium/range/1';
const PROPOSAL_PROTOCOL = '/consilium/proposal/1';

const rangeRequestCodec = struct({ from: uint });
const rangeCodec = list(
  struct({
    block: bytesBetween(1, limits.blockBytesMax),
    certificate: bytesBetween(1, CERTIFICATE_BYTES_MAX),
  }),
  256,
);
const proposalRequestCodec = struct({ height: uint, hash: bytes(32) });
const proposalAnswerCodec = struct({ proposal: nullable(bytesBetween(1, MESSAGE_BYTES_MAX)) });

const RANGE_BLOCKS_MAX = 256;
const RANGE_BYTES_MAX = 3 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const requestMax = { requestBytesMax: 256, concurrentMax: 4 } as const;

export interface SyncOptions {
  readonly driver: Driver;
  readonly rules: Rules<RoundOutcome>;
  readonly store: Store;
  readonly transport: Transport;
  readonly payloads: PayloadExchange;
  readonly log: Logger;
}

/**
 * Catching up: decided blocks with their certificates, in ranges, from whoever says it is ahead.
 *
 * Everything is verified before it is adopted: certificate, payloads, execution. A peer that sends what does
 * not verify is penalized. One catch-up at a time.
 */
export class Sync {
  readonly #options: SyncOptions;
  #running = false;

  constructor(options: SyncOptions) {
    this.#options = options;
    const { transport, store } = options;
    transport.serve(
      RANGE_PROTOCOL,
      async (request) => rangeFrom(store, decode(rangeRequestCodec, request, 64).from),
      requestMax,
    );
    transport.serve(PROPOSAL_PROTOCOL, async (request) => this.#serveProposal(request), requestMax);
  }

  /** `peer` says that it stands at `height`. */
  follow(peer: string, height: number): void {
    if (this.#running || height <= this.#options.driver.tip.height) return;
    this.#running = true;
    void this.#catchUp(peer, height).finally(() => {
      this.#running = false;
    });
  }

  async requestProposal(peer: string, height: number, value: string): Promise<SignedProposal | null> {
    const request = encode(proposalRequestCodec, { height, hash: Buffer.from(value, 'hex') });
    try {
      const options = { timeoutMs: REQUEST_TIMEOUT_MS, responseBytesMax: MESSAGE_BYTES_MAX + 64 };
      const raw = await this.#options.transport.request(peer, PROPOSAL_PROTOCOL, request, options);
      const { proposal } = decode(proposalAnswerCodec, raw, MESSAGE_BYTES_MAX + 64);
      return proposal === null ? null : decodeProposal(proposal);
    } catch (error) {
      this.#options.log('debug', 'proposal-request-failed', { peer, error: String(error) });
      return null;
    }
  }

  async #catchUp(peer: string, height: number): Promise<void> {
    const { driver, transport, log } = this.#options;
    try {
      while (driver.tip.height < height) {
        const from = driver.tip.height + 1;
        const request = encode(rangeRequestCodec, { from });
        const responseBytesMax = RANGE_BYTES_MAX + limits.blockBytesMax + CERTIFICATE_BYTES_MAX;
        const options = { timeoutMs: REQUEST_TIMEOUT_MS, responseBytesMax };
        const raw = await transport.request(peer, RANGE_PROTOCOL, request, options);
        const range = decode(rangeCodec, raw, responseBytesMax);
        if (range.length === 0) return;
        for (const entry of range) await this.#adopt(peer, entry.block, entry.certificate);
        log(driver.tip.height > from ? 'info' : 'debug', 'caught-up', { from, to: driver.tip.height, peer });
        if (driver.tip.height < from) return;
      }
    } catch (error) {
      log('debug', 'sync-failed', { peer, error: String(error) });
    }
  }

  async #adopt(peer: string, rawBlock: Uint8Array, rawCertificate: Uint8Array): Promise<void> {
    const { driver, rules, store, payloads, transport, log } = this.#options;
    const block = decodeBlock(rawBlock);
    const certificate = decodeCertificate(rawCertificate);
    const { height } = block.header;
    if (height !== driver.tip.height + 1) return;
    const missing = missingPayloads(block, (id) => store.hasPayload(id));
    const peers = [peer, ...transport.connectedPeers().filter((other) => other !== peer)];
    if (missing.length > 0) {
      // Before a certificate is checked nothing is pulled: a liar could name any payload.
      if (!this.#isCertified(rawBlock, certificate))
        return this.#blame(peer, 'a certificate that does not verify');
      await Promise.all(missing.map(({ id, size }) => payloads.fetch(id, size, peers)));
    }
    await driver.enqueue(async () => {
      const { tip, work } = driver;
      if (height !== tip.height + 1 || work === null) return;
      if (!this.#isCertified(rawBlock, certificate))
        return this.#blame(peer, 'a certificate that does not verify');
      const judgement =
        block.header.leader === null
          ? judgeEmpty(rules, tip, block, work.closings)
          : judgeBlock(rules, tip, block, work.closings, (id) => store.payload(id));
      if (!judgement.ok) {
        // More than two thirds signed what we find invalid: this node's software or disk differs from theirs.
        log('error', 'certified-block-invalid', {
          height,
          reason: judgement.reason,
          detail: judgement.detail,
        });
        throw new Error(
          `block ${height} is certified and yet invalid here: ${judgement.reason}: ${judgement.detail}`,
        );
      }
      await driver.adopt(judgement.judged, certificate);
    });
  }

  #isCertified(rawBlock: Uint8Array, certificate: ReturnType<typeof decodeCertificate>): boolean {
    const { tip } = this.#options.driver;
    const block = decodeBlock(rawBlock);
    const { header } = block;
    // The certificate speaks of the header: a body that isn't its own is the sender's doing.
    if (!rootsMatch(block)) return false;
    if (header.height !== tip.height + 1 || certificate.height !== header.height) return false;
    if (!equalBytes(blockHash(header), certificate.hash)) return false;
    const committee = nextCommittee(this.#options.rules, tip).map(({ publicKey }) => publicKey);
    return verifyCertificate({ certificate, chainId: tip.chainId, committee }).ok;
  }

  #blame(peer: string, reason: string): void {
    this.#options.transport.penalize(peer, 25, reason);
  }

  #serveProposal(raw: Uint8Array): Uint8Array {
    const { height, hash } = decode(proposalRequestCodec, raw, 64);
    const { work } = this.#options.driver;
    const known = work?.height === height ? work.proposals.get(bytesToHex(hash)) : undefined;
    const proposal =
      known === undefined ? null : encodeProposal({ block: known.block, signature: known.signature });
    return encode(proposalAnswerCodec, { proposal });
  }
}

/** As many blocks from a height on as fit into one answer. */
function rangeFrom(store: Store, from: number): Uint8Array {
  const range: { block: Uint8Array; certificate: Uint8Array }[] = [];
  let size = 0;
  for (
    let height = Math.max(1, from);
    height <= store.head.height && range.length < RANGE_BLOCKS_MAX;
    height += 1
  ) {
    const entry = store.blockBytes(height);
    if (
      entry === null ||
      size + entry.block.length + entry.certificate.length > RANGE_BYTES_MAX + limits.blockBytesMax
    )
      break;
    size += entry.block.length + entry.certificate.length;
    range.push(entry);
    if (size > RANGE_BYTES_MAX) break;
  }
  return encode(rangeCodec, range);
}
