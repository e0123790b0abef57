import type { Evidence } from '../leaks.js';
import type { Random } from '../random.js';
import type { Area } from './environment.js';

/*
 * What a Q-network has to be better than. Each gives [providers] classes from 1, with the sizes of the area.
 */

/** Places dealt at random. */
export function randomClasses({ sizes }: Area, random: Random): Uint8Array {
  const places = placesOf(sizes);
  for (let at = places.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [places[at], places[other]] = [places[other]!, places[at]!];
  }
  return Uint8Array.from(places);
}

/** Cluster after cluster into class after class, within a cluster by index: what was reported changes nothing. */
export function fixedClasses({ sizes, clusters }: Area): Uint8Array {
  return inOrder(sizes, (a, b) => clusters[a]! - clusters[b]! || a - b);
}

/** Those least often reported into class 1, and so on: for r readers the best split if these rates were the truth. */
export function greedyClasses({ sizes }: Area, { named }: Evidence): Uint8Array {
  return inOrder(sizes, (a, b) => named[a]! - named[b]! || a - b);
}

function inOrder(sizes: readonly number[], before: (a: number, b: number) => number): Uint8Array {
  const places = placesOf(sizes);
  const classes = new Uint8Array(places.length);
  const order = [...places.keys()].sort(before);
  for (const [at, provider] of order.entries()) classes[provider] = places[at]!;
  return classes;
}

function placesOf(sizes: readonly number[]): number[] {
  return sizes.flatMap((size, at) => new Array<number>(size).fill(at + 1));
}
