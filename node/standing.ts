const PEERS_MAX = 256;

/**
 * How high the other validators say that they stand. One owner: the node.
 *
 * A height counts as reached by the others once f+1 of them claim it, so that f liars cannot make it up.
 */
export class Standing {
  readonly #heights = new Map<string, number>();

  /** The newest word of a peer counts. */
  heard(peer: string, height: number): void {
    if (this.#heights.has(peer) || this.#heights.size < PEERS_MAX) this.#heights.set(peer, height);
  }

  /** Who has said a height, and that it is at most `height`. */
  atMost(height: number): readonly string[] {
    return [...this.#heights].filter(([, at]) => at <= height).map(([peer]) => peer);
  }

  /** The height that f+1 others claim to have reached; null: fewer have said anything. */
  reached(faulty: number): number | null {
    return [...this.#heights.values()].sort((a, b) => b - a)[faulty] ?? null;
  }

  /** True while f+1 others claim to stand above `height`, or fewer than that have said anything at all. */
  isBehind(height: number, faulty: number): boolean {
    return (this.reached(faulty) ?? Number.POSITIVE_INFINITY) > height;
  }
}
