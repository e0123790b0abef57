import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of V8's .cpuprofile that are needed: a tree of calls, and which node each sample hit. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds from one sample to the next. */
  readonly timeDeltas: readonly number[];
}

/** Which area a function's own time belongs to: the first that fits its place, else that of its caller. */
const areas: readonly (readonly [area: string, place: RegExp])[] = [
  ['idle', /^\(idle\)/],
  ['garbage collection', /^\(garbage collector\)/],
  ['runtime', /^\(program\)/],
  ['VRF', /crypto\/vrf|@noble\/curves/],
  ['signatures', /crypto\/keys|internal\/crypto\/(sig|keys)/],
  ['state tree and hashing', /chain\/stateTree|chain\/merkle|crypto\/hash|internal\/crypto\/hash/],
  ['RPC and HTTP', /node\/rpc|zod|node:_http|internal\/http|node:http/],
  [
    'gossip and links',
    /libp2p|chainsafe|\/net\/|it-|uint8array|yamux|noise|multiformats\/multiaddr|protons|node:net|stream_base_commons/,
  ],
  ['disk', /node\/store|classic-level|abstract-level/],
  [
    'encoding',
    /chain\/codec|dag-cbor|cborg|chain\/(block|transaction|vote|certificate)|crypto\/bytes|multiformats/,
  ],
  ['execution', /chain\/(execute|state|contract)|contracts\//],
  ['agreement', /consensus\/|node\/driver/],
  ['mempool', /node\/mempool/],
];

/** Own time by area and by function, from the profiles in a folder, as text; shares are of the time not idle.
 * `fromMs` and `toMs` bound what counts, from the profile's beginning. */
export function profileTable(dir: string, fromMs = 0, toMs = Number.POSITIVE_INFINITY): string {
  const byArea = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let total = 0;
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(dir, file), 'utf8')) as CpuProfile;
    for (const { area, name, ms } of ownTimes(profile, fromMs * 1_000, toMs * 1_000)) {
      if (area !== 'idle') total += ms;
      byArea.set(area, (byArea.get(area) ?? 0) + ms);
      byFunction.set(name, (byFunction.get(name) ?? 0) + ms);
    }
  }
  const list = (times: ReadonlyMap<string, number>, most: number) =>
    [...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(
        ([name, ms]) =>
          `${((100 * ms) / total).toFixed(1).padStart(6)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}`,
      );
  return ['by area', ...list(byArea, 20), 'by function (own time)', ...list(byFunction, 45)].join('\n');
}

function ownTimes({ nodes, samples, timeDeltas }: CpuProfile, from: number, to: number) {
  const micros = new Map<number, number>();
  let at = 0;
  for (const [i, id] of samples.entries()) {
    // A delta is the time before its sample.
    const delta = timeDeltas[i + 1] ?? 0;
    at += timeDeltas[i] ?? 0;
    if (at >= from && at < to) micros.set(id, (micros.get(id) ?? 0) + delta);
  }
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const areaOf = (id: number | undefined): string => {
    if (id === undefined) return 'other';
    const { functionName, url } = byId.get(id)!.callFrame;
    const place = `${functionName} ${url}`;
    const found = areas.find(([, pattern]) => pattern.test(url === '' ? functionName : place));
    return found?.[0] ?? areaOf(parents.get(id));
  };
  return nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => ({
    area: areaOf(id),
    name: `${functionName || '(anonymous)'} ${url.replace(/^.*\/(node_modules|dist)\//, '')}:${lineNumber + 1}`,
    ms: (micros.get(id) ?? 0) / 1_000,
  }));
}
