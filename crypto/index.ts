/** Hashing, keys, signatures, VRF, keystore. The only importer of @noble/*; imports no other room. */
export * from './bytes.js';
export * from './drbg.js';
export * from './hash.js';
export {
  aeadOpen,
  aeadSeal,
  deriveHpkeKeys,
  type HpkeKeys,
  type HpkeSealed,
  hpkeOpen,
  hpkeSeal,
} from './hpke.js';
export * from './keys.js';
export * from './keystore.js';
export {
  VRF_HASH_BYTES,
  VRF_PROOF_BYTES,
  vrfProofToHash,
  vrfProve,
  vrfPublicKeyOf,
  vrfVerify,
} from './vrf.js';
