/** Cert votes that make a certificate: floor(2M/3) + 1 of M seats. Two quorums share more than f members. */
export function quorumOf(members: number): number {
  return Math.floor((2 * members) / 3) + 1;
}

/** Dishonest members that M seats survive: f = floor((M-1)/3). */
export function faultyOf(members: number): number {
  return Math.floor((members - 1) / 3);
}
