import { dealRoundRobin } from '../split.js';
import { type PartitionRule, shuffled, tooFew, uniformOf } from './rule.js';

/**
 * By where the rows come from: each site's rows, shuffled, go to devices of its own, as many for each site. Sites
 * in code-unit order: device k belongs to site ⌊k / (parts / sites)⌋.
 */
export const site: PartitionRule = ({ labels, sites, parts, rowsMin, seed }) => {
  if (sites === null) {
    const text =
      'nothing says where the rows come from: the schema must name a site column, and the table have it';
    return { ok: false, reason: 'no-sites', text };
  }
  const names = [...new Set(sites)].sort((a, b) => (a < b ? -1 : 1));
  if (parts % names.length !== 0) {
    const text = `${parts} devices cannot be shared evenly among ${names.length} sites: take ${names.length} or a multiple`;
    return { ok: false, reason: 'sites-unfit', text };
  }
  const uniform = uniformOf(seed);
  const dealt = names.flatMap((name) => {
    const rows = sites.flatMap((other, row) => (other === name ? [row] : []));
    return dealRoundRobin(shuffled(rows, uniform), parts / names.length);
  });
  const least = dealt.reduce((fewest, part) => Math.min(fewest, part.length), labels.length);
  return least < rowsMin ? tooFew(labels.length, parts, rowsMin) : { ok: true, parts: dealt };
};
