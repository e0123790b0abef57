/**
 * Our accountants beside Google's dp-accounting and Opacus on random parameters, the same for everyone.
 *
 * Run: npm run bench -- accountants [cases = 200] [seed = 1]. Takes about ten minutes, nearly all of it the peers'.
 */
import { drbg, utf8ToBytes } from '../crypto/index.js';
import { lossCurveEpsilon, renyiDivergence } from '../fl/index.js';
import { type Answer, askPeers, type Case, findPeers } from './peers/accountants.js';
import type { Row } from './row.js';

const ORDERS = [1.5, 2, 2.5, 4, 6.3, 10, 16, 32, 33.3, 63];

export async function accountants(args: readonly string[]): Promise<readonly Row[]> {
  const count = Number(args[0] ?? 200);
  const seed = args[1] ?? '1';
  const peers = await findPeers();
  if ('missing' in peers) {
    process.stderr.write(`accountants: SKIPPED, the peers can't be installed: ${peers.missing}\n`);
    return [row('accountants: skipped, no peers here', 0, 'cases', null, null, null)];
  }
  const cases = randomCases(count, seed);
  const before = process.cpuUsage();
  const ours = cases.map((each) => ({
    divergences: each.orders.map((order) => renyiDivergence(each, order)),
    epsilon: lossCurveEpsilon(each, each.delta),
  }));
  const used = process.cpuUsage(before);
  const answers = await askPeers(peers.python, cases);
  return compare(cases, ours, answers, (used.user + used.system) / 1e3 / count);
}

interface Ours {
  readonly divergences: readonly number[];
  readonly epsilon: number;
}

function compare(
  cases: readonly Case[],
  ours: readonly Ours[],
  answers: readonly Answer[],
  cpuMs: number,
): Row[] {
  const reference = 'dp-accounting 0.6.0, opacus 1.5.4';
  const errors = { google: 0, opacus: 0, above: 0 };
  let [compared, below, unsound] = [0, 0, 0];
  for (const [i, each] of cases.entries()) {
    const { divergences, epsilon } = ours[i]!;
    const { google, opacus, pessimistic, optimistic } = answers[i]!;
    let whole = 0;
    for (const [k, order] of each.orders.entries()) {
      errors.opacus = Math.max(errors.opacus, relative(divergences[k]!, opacus[k]!));
      if (Number.isInteger(order))
        errors.google = Math.max(errors.google, relative(divergences[k]!, google[whole++]!));
    }
    if (pessimistic === null || optimistic === null || pessimistic === 0) continue;
    compared++;
    const off = epsilon / pessimistic - 1;
    errors.above = Math.max(errors.above, off);
    below = Math.max(below, -off);
    if (epsilon < optimistic) unsound++;
    if (Math.abs(off) > 0.01 || epsilon < optimistic)
      process.stderr.write(
        `${JSON.stringify(each)}: ours ${epsilon}, peer ${optimistic} .. ${pessimistic}\n`,
      );
  }
  return [
    row('Rényi divergence against Opacus, largest relative difference', errors.opacus, '', 1e-6, reference),
    row('Rényi divergence against dp-accounting at whole orders', errors.google, '', 1e-6, reference),
    row(
      'loss distribution above dp-accounting’s upper bound, at most',
      100 * errors.above,
      '%',
      1,
      reference,
    ),
    row('loss distribution below its upper bound, at most', 100 * below, '%', 1, reference),
    row('cases below its lower bound', unsound, `of ${compared}`, 0, reference),
    row('CPU of ours', cpuMs, 'ms a case', null, null, null),
  ];
}

function row(
  name: string,
  value: number,
  unit: string,
  most: number | null,
  reference: string | null,
  met: boolean | null = most === null ? null : value <= most,
): Row {
  return { name, value, unit, goal: most === null ? null : `<= ${most}`, met, reference };
}

function relative(a: number, b: number): number {
  return Math.abs(a / b - 1);
}

/** σ in 0.6 .. 10, q in 0.001 .. 1, up to 3000 rounds, on logarithmic scales; δ of 1e-4 to 1e-8. */
function randomCases(count: number, seed: string): readonly Case[] {
  const random = drbg(utf8ToBytes(`bench/accountants/${seed}`));
  const uniform = () => new DataView(random(4).buffer).getUint32(0) / 2 ** 32;
  const between = (low: number, high: number) => low * (high / low) ** uniform();
  return Array.from({ length: count }, () => {
    const [sigma, rate] = [between(0.6, 10), between(0.001, 1)];
    const rounds = Math.round(between(1, 3000));
    const delta = 10 ** -(4 + 4 * uniform());
    // An eighth of the deviation of one round's loss, about: a coarser peer would bound too loosely to compare with.
    const interval = Math.min(1e-3, Math.max(1e-5, (rate * Math.sqrt(Math.expm1(1 / sigma ** 2))) / 8));
    return { sigma, rate, rounds, delta, orders: ORDERS, interval };
  });
}
