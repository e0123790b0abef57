import { signVote, type UnsignedVote, verifyVote } from '../../chain/index.js';
import type { AgreementVote, MemberVote } from '../../consensus/index.js';
import { bytesToHex, hexToBytes, publicKeyOf, sha256, utf8ToBytes } from '../../crypto/index.js';

/** How simulated nodes name blocks and sign votes. */
export interface Signer {
  readonly hashOf: (name: string) => string;
  readonly sign: (node: number, vote: AgreementVote, member: number) => MemberVote;
  readonly verify: (node: number, vote: MemberVote) => boolean;
}

/**
 * Stubs, for speed: the signature names its author. No simulated adversary writes another's name, which is
 * what real signatures see to.
 */
export const stubSigner: Signer = {
  hashOf: (name) => name,
  sign: (node, vote, member) => ({ ...vote, member, signature: `${node}` }),
  verify: (node, vote) => vote.signature === `${node}`,
};

/** Ed25519 over the chain's encoding of a vote. */
export function realSigner(nodes: number): Signer {
  const chainId = sha256(utf8ToBytes('simulated chain'));
  const secrets = Array.from({ length: nodes }, (_, node) => sha256(utf8ToBytes(`simulated node ${node}`)));
  const keys = secrets.map(publicKeyOf);
  const unsigned = ({ height, period, step, value }: AgreementVote): UnsignedVote => ({
    height,
    period,
    step,
    value: value === null ? null : hexToBytes(value),
  });
  return {
    hashOf: (name) => bytesToHex(sha256(utf8ToBytes(name))),
    sign: (node, vote, member) => ({
      ...vote,
      member,
      signature: bytesToHex(signVote(chainId, unsigned(vote), keys[node]!, secrets[node]!).signature),
    }),
    verify: (node, vote) => verifyVote(chainId, keys[node]!, unsigned(vote), hexToBytes(vote.signature)),
  };
}
