import type { CertificateFault } from '../../consensus/index.js';

/** Why a light client refuses what it was given. */
export type LightFault =
  /** The bytes do not decode: not ours, not canonical, or over a bound. */
  | 'malformed'
  | 'wrong-chain'
  /** Not after the trusted block, or not the height that was asked for. */
  | 'wrong-height'
  /** Beyond the era whose ring is known: the era's last header comes first. */
  | 'skips-era'
  /** Committees are drawn from a part of the ring here, so every header is needed, one after another. */
  | 'skips-height'
  | 'wrong-parent'
  | 'wrong-time'
  /** The seed of the block before does not lead to the block's own (`proveBase` alone asks). */
  | 'wrong-seed'
  /** The certificate names another block than the header. */
  | 'other-block'
  | CertificateFault
  /** The ring changes and none was given, or one that the header does not name. */
  | 'wrong-ring'
  /** Not the block whose hash is known. */
  | 'wrong-hash'
  | 'too-many'
  /** The audit path does not lead to the header's root. */
  | 'not-in-block'
  /** The receipt is another transaction's. */
  | 'wrong-receipt'
  /** Not about the key that was asked for. */
  | 'wrong-key'
  /** The proof does not show what the header's state says of the key. */
  | 'not-in-state';

export interface LightRefusal {
  readonly ok: false;
  readonly reason: LightFault;
  readonly detail: string;
}

export function refused(reason: LightFault, detail: string): LightRefusal {
  return { ok: false, reason, detail };
}
