import type { Certificate, Header } from '../../chain/index.js';
import type { Store } from './store.js';

/** A header with its certificate. */
export interface CertifiedHeader {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
}

/** Of a height whose block is here, or of the base; null: neither. */
export function certifiedAt(store: Pick<Store, 'block' | 'base'>, height: number): CertifiedHeader | null {
  const { base } = store;
  if (base !== null && base.header.height === height) return base;
  const stored = store.block(height);
  if (stored === null) return null;
  const { block, hash, certificate } = stored;
  return { header: block.header, hash, certificate };
}

/** Up to this height no block is here, since the folder was joined by a snapshot; 0: it has them all. */
export function baseHeight({ base }: Pick<Store, 'base'>): number {
  return base?.header.height ?? 0;
}

/** For who asks for a height up to the base. */
export function belowBase(store: Pick<Store, 'base'>): string {
  return `this node joined at height ${baseHeight(store)} by a snapshot and has no block up to there; ask another`;
}
