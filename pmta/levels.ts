/**
 * Levels by influence, in proportion: the providers of the highest PIF get level 1, the next ones level 2, and so on.
 *
 * shares: how many of the providers each level takes, in proportion; sizes are whole by largest remainders, ties to the
 * lower level. Ties of PIF by index. Result: [providers], 1 .. shares.length.
 */
export function levelsByInfluence(influence: ArrayLike<number>, shares: readonly number[]): Uint8Array {
  const sizes = sizesInProportion(influence.length, shares);
  const order = Array.from(influence, (_, index) => index).sort(
    (a, b) => influence[b]! - influence[a]! || a - b,
  );
  const levels = new Uint8Array(influence.length);
  let place = 0;
  for (const [index, size] of sizes.entries())
    for (let taken = 0; taken < size; taken++) levels[order[place++]!] = index + 1;
  return levels;
}

/** The same within each cluster: what gates a provider is its level among those it is like. */
export function levelsWithin(
  labels: ArrayLike<number>,
  influence: ArrayLike<number>,
  shares: readonly number[],
): Uint8Array {
  const members = new Map<number, number[]>();
  for (const [provider, label] of Array.from(labels).entries()) {
    const own = members.get(label);
    if (own === undefined) members.set(label, [provider]);
    else own.push(provider);
  }
  const levels = new Uint8Array(labels.length);
  for (const own of members.values()) {
    const within = levelsByInfluence(
      own.map((provider) => influence[provider]!),
      shares,
    );
    for (const [index, provider] of own.entries()) levels[provider] = within[index]!;
  }
  return levels;
}

/** Whole sizes in proportion to the shares, that add up to `count`. */
export function sizesInProportion(count: number, shares: readonly number[]): number[] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (shares.length < 1 || shares.length > 255 || !(total > 0) || !shares.every((share) => share >= 0))
    throw new RangeError(`shares ${shares.join(', ')}`);
  const exact = shares.map((share) => (share / total) * count);
  const sizes = exact.map(Math.floor);
  const left = count - sizes.reduce((sum, size) => sum + size, 0);
  const byRemainder = exact
    .map((size, index) => ({ index, remainder: size - Math.floor(size) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, left)) sizes[index]!++;
  return sizes;
}
