import { readFileSync } from 'node:fs';
import { drbg, utf8ToBytes } from '../../../crypto/index.js';
import { type Edge, type Graph, graphOf } from '../../../pmta/index.js';

export const seed = (text: string): Uint8Array => utf8ToBytes(text);

const link = (from: number, to: number, weight = 1): Edge => ({ from, to, weight });

export const path = (nodes: number): Graph =>
  graphOf(
    nodes,
    Array.from({ length: nodes - 1 }, (_, i) => link(i, i + 1)),
  );
export const cycle = (nodes: number): Graph =>
  graphOf(
    nodes,
    Array.from({ length: nodes }, (_, i) => link(i, (i + 1) % nodes)),
  );
export const star = (leaves: number): Graph =>
  graphOf(
    leaves + 1,
    Array.from({ length: leaves }, (_, i) => link(0, i + 1)),
  );

const clique = (first: number, size: number): Edge[] =>
  Array.from({ length: size }, (_, i) => i).flatMap((i) =>
    Array.from({ length: i }, (_, j) => link(first + i, first + j)),
  );

export const complete = (nodes: number): Graph => graphOf(nodes, clique(0, nodes));

/** Cliques of these sizes, each linked to the next by one edge of this weight; 0: not linked. */
export function cliques(sizes: readonly number[], bridge: number): Graph {
  const edges: Edge[] = [];
  let first = 0;
  for (const [index, size] of sizes.entries()) {
    edges.push(...clique(first, size));
    if (bridge > 0 && index > 0) edges.push(link(first - 1, first, bridge));
    first += size;
  }
  return graphOf(first, edges);
}

/** Zachary 1977: the karate club, 34 members, 78 friendships. */
export const karate: Graph = graphOf(
  34,
  (
    JSON.parse(readFileSync(new URL('../../vectors/karate.json', import.meta.url), 'utf8')).edges as [
      number,
      number,
    ][]
  ).map(([from, to]) => link(from - 1, to - 1)),
);

/** Points around centres, [n][dimensions], and whose centre each is of. */
export function blobs(
  centres: readonly (readonly number[])[],
  each: number,
  spread: number,
  text = 'blobs',
): { readonly points: Float64Array; readonly of: Uint32Array } {
  const source = drbg(utf8ToBytes(text));
  const unit = () => (new DataView(source(4).buffer).getUint32(0) + 0.5) / 2 ** 32;
  const normal = () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
  const rows = centres.flatMap((centre) =>
    Array.from({ length: each }, () => centre.map((value) => value + spread * normal())),
  );
  return {
    points: Float64Array.from(rows.flat()),
    of: Uint32Array.from(rows, (_, index) => Math.floor(index / each)),
  };
}

/** Do two labellings part the nodes alike, whatever the numbers? */
export function sameParts(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const names = new Map<number, number>();
  const back = new Map<number, number>();
  return Array.from(a).every((label, index) => {
    const other = b[index]!;
    if (!names.has(label)) names.set(label, other);
    if (!back.has(other)) back.set(other, label);
    return names.get(label) === other && back.get(other) === label;
  });
}
