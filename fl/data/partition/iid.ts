import { dealRoundRobin } from '../split.js';
import { type PartitionRule, shuffled, tooFew, uniformOf } from './rule.js';

/** Shuffled and dealt like cards: every device sees the same distribution, sizes differ by one at most. */
export const iid: PartitionRule = ({ labels, parts, rowsMin, seed }) => {
  if (Math.floor(labels.length / parts) < rowsMin) return tooFew(labels.length, parts, rowsMin);
  const rows = Array.from({ length: labels.length }, (_, index) => index);
  return { ok: true, parts: dealRoundRobin(shuffled(rows, uniformOf(seed)), parts) };
};
