/** Writes under way, oldest first. They end in the order in which they began, and none rejects. */
export class Writes {
  readonly #underWay: Promise<void>[] = [];

  add(write: Promise<void>): void {
    const ended = write.finally(() => {
      this.#underWay.shift();
    });
    this.#underWay.push(ended);
  }

  /** Waits until so many are under way, or fewer. */
  async atMost(count: number): Promise<void> {
    while (this.#underWay.length > count) await this.#underWay[0];
  }
}
