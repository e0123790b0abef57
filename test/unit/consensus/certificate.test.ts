import { describe, expect, it } from 'vitest';
import { type Certificate, decodeCertificate, encodeCertificate, signVote } from '../../../chain/index.js';
import {
  createCertificate,
  type MemberVote,
  signersOf,
  verifyCertificate,
} from '../../../consensus/index.js';
import { bytesToHex, publicKeyOf, sha256, utf8ToBytes } from '../../../crypto/index.js';

const MEMBERS = 10;
const chainId = sha256(utf8ToBytes('a chain'));
const block = sha256(utf8ToBytes('a block'));
const secrets = Array.from({ length: MEMBERS }, (_, i) => sha256(utf8ToBytes(`member ${i}`)));
const committee = secrets.map(publicKeyOf);

function certVote(
  member: number,
  changes: { period?: number; value?: Uint8Array; height?: number } = {},
): MemberVote {
  const unsigned = { height: 5, period: 1, step: 'cert' as const, value: block, ...changes };
  const { signature } = signVote(chainId, unsigned, committee[member]!, secrets[member]!);
  return { ...unsigned, value: bytesToHex(unsigned.value), member, signature: bytesToHex(signature) };
}

const quorum = [9, 0, 3, 4, 8, 6, 1].map((member) => certVote(member));
const certificate = createCertificate(quorum, MEMBERS);
const check = (changed: Certificate, keys: readonly Uint8Array[] = committee) =>
  verifyCertificate({ certificate: changed, chainId, committee: keys });

describe('certificates', () => {
  it('hold the votes in committee order and verify', () => {
    expect(signersOf(certificate)).toEqual([0, 1, 3, 4, 6, 8, 9]);
    expect(certificate.bitmap).toEqual(Uint8Array.of(0b0101_1011, 0b11));
    expect(check(certificate)).toEqual({ ok: true });
  });

  it('may hold more than a quorum', () => {
    expect(check(createCertificate([...quorum, certVote(2), certVote(5)], MEMBERS))).toEqual({ ok: true });
  });

  it('survive their encoding', () => {
    const { chainId: named, ...decoded } = decodeCertificate(encodeCertificate(chainId, certificate));
    expect(named).toEqual(chainId);
    expect(check(decoded)).toEqual({ ok: true });
  });

  const without = (index: number) => certificate.signatures.filter((_, i) => i !== index);
  const swapped = [...certificate.signatures];
  [swapped[0], swapped[1]] = [swapped[1]!, swapped[0]!];
  const damaged = certificate.signatures.map((signature) => signature.slice());
  damaged[6]![10]! ^= 1;
  const foreign = certificate.signatures.with(0, certificate.signatures[1]!);

  const INVALID: readonly [string, Certificate, string][] = [
    ['a bitmap too short', { ...certificate, bitmap: Uint8Array.of(0xff) }, 'bad-bitmap'],
    ['a bitmap too long', { ...certificate, bitmap: Uint8Array.of(0x5b, 3, 0) }, 'bad-bitmap'],
    ['a bit beyond the committee', { ...certificate, bitmap: Uint8Array.of(0x5b, 0b111) }, 'bad-bitmap'],
    [
      'one vote less than a quorum',
      { ...certificate, bitmap: Uint8Array.of(0x5b, 0b01), signatures: without(6) },
      'no-quorum',
    ],
    ['no vote at all', { ...certificate, bitmap: Uint8Array.of(0, 0), signatures: [] }, 'no-quorum'],
    ['a signature missing', { ...certificate, signatures: without(2) }, 'signature-count'],
    [
      'a signature too many',
      { ...certificate, signatures: [...certificate.signatures, certificate.signatures[0]!] },
      'signature-count',
    ],
    ['signatures in another order', { ...certificate, signatures: swapped }, 'bad-signature'],
    ['a damaged last signature', { ...certificate, signatures: damaged }, 'bad-signature'],
    ['one member’s signature for another', { ...certificate, signatures: foreign }, 'bad-signature'],
    ['another period', { ...certificate, period: 2 }, 'bad-signature'],
    ['another height', { ...certificate, height: 6 }, 'bad-signature'],
    ['another block', { ...certificate, hash: sha256(block) }, 'bad-signature'],
    ['a bit set for who did not sign', { ...certificate, bitmap: Uint8Array.of(0x5d, 3) }, 'bad-signature'],
  ];
  it.each(INVALID)('are refused with %s', (_name, changed, reason) => {
    expect(check(changed)).toEqual({ ok: false, reason });
  });

  it('are refused on another chain and by another committee', () => {
    expect(verifyCertificate({ certificate, chainId: block, committee }).ok).toBe(false);
    expect(check(certificate, [...committee].reverse())).toEqual({ ok: false, reason: 'bad-signature' });
  });

  it('a soft or next signature is no cert signature', () => {
    for (const step of ['soft', 'next'] as const) {
      const { signature } = signVote(
        chainId,
        { height: 5, period: 1, step, value: block },
        committee[0]!,
        secrets[0]!,
      );
      const changed = { ...certificate, signatures: certificate.signatures.with(0, signature) };
      expect(check(changed)).toEqual({ ok: false, reason: 'bad-signature' });
    }
  });

  const BUGS: readonly [string, readonly MemberVote[]][] = [
    ['too few votes', quorum.slice(1)],
    ['a member twice', quorum.with(0, quorum[1]!)],
    ['two periods', quorum.with(0, certVote(9, { period: 2 }))],
    ['two heights', quorum.with(0, certVote(9, { height: 6 }))],
    ['two blocks', quorum.with(0, certVote(9, { value: sha256(block) }))],
    ['another step', quorum.with(0, { ...quorum[0]!, step: 'soft' })],
    ['no member', quorum.with(0, { ...quorum[0]!, member: 10 })],
  ];
  it.each(BUGS)('are not made of %s: a bug of the caller', (_name, votes) => {
    expect(() => createCertificate(votes, MEMBERS)).toThrow();
  });
});
