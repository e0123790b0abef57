import { drbg, type RandomBytes, sha256, utf8ToBytes } from '../../crypto/index.js';
import type { Records } from '../../fl/index.js';
import { pick, type Split } from './data.js';

/** How the training part is dealt to devices: like cards, or by Dirichlet shares of each label (parameter 0.1). */
export type Partition = 'iid' | 'dirichlet-0.1';

const ALPHA = 0.1;
/** A device has at least so many records: with none it could not take part. */
const ROWS_MIN = 3;

/** One set of records a device. Seeded by the split. Dirichlet: Hsu et al. 2019, arXiv:1909.06335. */
export function shardsOf(
  { train, inputs }: Split,
  devices: number,
  how: Partition,
  split: number,
): Records[] {
  const rows = [...train.y.keys()];
  const owned =
    how === 'iid'
      ? Array.from({ length: devices }, (_, device) => rows.filter((row) => row % devices === device))
      : dirichlet(train.y, devices, drbg(sha256(utf8ToBytes(`bench/partition/${split}`))));
  return owned.map((own) => pick(train, inputs, own));
}

function dirichlet(labels: Float32Array, devices: number, random: RandomBytes): number[][] {
  const owned: number[][] = Array.from({ length: devices }, () => []);
  for (const label of new Set(labels.toSorted())) {
    const rows = [...labels.keys()].filter((row) => labels[row] === label);
    const shares = Array.from({ length: devices }, () => gamma(ALPHA, random));
    const total = shares.reduce((sum, share) => sum + share, 0);
    let [start, sum] = [0, 0];
    for (const [device, share] of shares.entries()) {
      sum += share;
      const end = device === devices - 1 ? rows.length : Math.round((rows.length * sum) / total);
      owned[device]!.push(...rows.slice(start, end));
      start = end;
    }
  }
  for (const own of owned) {
    while (own.length < ROWS_MIN) {
      const richest = owned.reduce((most, one) => (one.length > most.length ? one : most));
      own.push(richest.pop()!);
    }
  }
  return owned;
}

/** Gamma of shape below 1: Marsaglia and Tsang 2000, with their boost U^(1/a) of shape a + 1. */
function gamma(shape: number, random: RandomBytes): number {
  const uniform = (): number => {
    const bytes = random(4);
    return (new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) + 1) / (2 ** 32 + 1);
  };
  const d = shape + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(uniform()) < 0.5 * normal * normal + d - d * v + d * Math.log(v))
      return Math.max(1e-300, d * v * uniform() ** (1 / shape));
  }
}
