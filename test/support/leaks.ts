import { utf8ToBytes } from '../../crypto/index.js';
import type { ReportedPiece } from '../../node/pmta/index.js';
import { createRandom } from '../../pmta/index.js';

/**
 * What was read in an area of so many providers: six windows of twice as many pieces, three readers each. The last
 * `leaking` are reported for every other piece that they read, the others for one in two hundred. Everything depends
 * on the seed alone.
 */
export function plantedReports(
  area: string,
  nameOf: (index: number) => string,
  { providers, leaking, seed = 'reports' }: { providers: number; leaking: number; seed?: string },
): ReportedPiece[] {
  const random = createRandom(utf8ToBytes(`planted ${area} ${seed}`));
  return Array.from({ length: 6 * 2 * providers }, (_, at) => {
    const left = [...new Array(providers).keys()];
    const readers = Array.from({ length: 3 }, () => left.splice(random.below(left.length), 1)[0]!);
    const reported = readers.filter((one) => random.unit() < (one >= providers - leaking ? 0.5 : 0.005));
    return {
      area,
      window: Math.floor(at / (2 * providers)),
      readers: readers.map(nameOf),
      reported: reported.map(nameOf),
    };
  });
}
