import { bytes, encode, type Infer, list, struct, tagged, text, uint } from '../../chain/index.js';
import { equalBytes, sha256, sign, verifySignature } from '../../crypto/index.js';

/*
 * A plain signed log, honestly made: what a coordinator with a database and a key offers in place of a chain. Entries
 * are appended, each names the hash of the one before, and the coordinator signs each. Readers check every hash and
 * every signature, the devices' under their updates too. Nobody but the coordinator decides what is entered.
 */

const accountCodec = struct({ device: bytes(32), rhoSpent: uint });

const entryCodec = tagged('log/entry', 1, {
  index: uint,
  previous: bytes(32),
  kind: text(16),
  round: uint,
  /** A device's update: who, its hash, its own signature. Else 32 zero bytes, and none. */
  device: bytes(32),
  subject: bytes(32),
  deviceSignature: bytes(64),
  /** What was spent of each budget so far. */
  ledger: list(accountCodec, 1_000),
});
type Fields = Omit<Infer<typeof entryCodec>, 'chainId'>;

export interface LogEntry extends Fields {
  readonly signature: Uint8Array;
}

export type Draft = Pick<Fields, 'kind' | 'round' | 'device' | 'subject' | 'deviceSignature' | 'ledger'>;

export const NOBODY = new Uint8Array(32);
export const NO_SIGNATURE = new Uint8Array(64);

/** What a device signs of its update. */
export function updateMessage(round: number, update: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(round), sha256(update));
}

const logId = sha256(Uint8Array.of(1));

function bodyOf(entry: Fields): Uint8Array {
  return encode(entryCodec, { ...entry, chainId: logId });
}

/** The log with one entry more. */
export function append(log: readonly LogEntry[], draft: Draft, secret: Uint8Array): readonly LogEntry[] {
  const last = log.at(-1);
  const previous = last === undefined ? NOBODY : sha256(bodyOf(last));
  const fields = { ...draft, index: log.length, previous };
  return [...log, { ...fields, signature: sign(secret, bodyOf(fields)) }];
}

/** Whether a reader who knows the coordinator's key and the devices' finds nothing wrong. */
export function verifyLog(log: readonly LogEntry[], coordinator: Uint8Array): boolean {
  return log.every((entry, i) => {
    const before = log[i - 1];
    const previous = before === undefined ? NOBODY : sha256(bodyOf(before));
    const isLinked = entry.index === i && equalBytes(entry.previous, previous);
    const { signature, ...fields } = entry;
    if (!isLinked || !verifySignature(coordinator, bodyOf(fields), signature)) return false;
    const { kind, device, subject, round, deviceSignature } = entry;
    const message = sha256(Uint8Array.of(round), subject);
    return kind !== 'update' || verifySignature(device, message, deviceSignature);
  });
}
