/**
 * What a promise of privacy is about, from the finest to the coarsest.
 *
 *   record   one row of a device's table: each row's gradient is clipped
 *   patient  all rows of one person: the mean of that person's gradients is clipped
 *   device   all that one device holds: its whole update is clipped (the seed paper's equation 7)
 */
export const units = ['record', 'patient', 'device'] as const;
export type Unit = (typeof units)[number];

/**
 * By how much a release that is clipped by one unit costs more in a ledger that is declared for another, in ρ; null:
 * nothing bounds it.
 *
 * Sensitivity is C for the unit that is clipped. For a finer one it is 2C: one record of a person zeroed out turns one
 * vector of length C at most into another. For a coarser one it grows with the records that a person has, which nobody
 * on the chain knows.
 */
export function chargeFactor(ledger: Unit, task: Unit): bigint | null {
  const [declared, clipped] = [units.indexOf(ledger), units.indexOf(task)];
  if (clipped < declared) return null;
  return clipped === declared ? 1n : 4n;
}
