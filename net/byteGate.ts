/** Lets so many bytes in at a time, first come first served; what is larger than that goes in alone. */
export class ByteGate {
  readonly #max: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #inside = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async enter(bytes: number): Promise<void> {
    const entered = new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    this.#admit();
    await entered;
  }

  leave(bytes: number): void {
    this.#inside -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#inside > 0 && this.#inside + next.bytes > this.#max) return;
      this.#waiting.shift();
      this.#inside += next.bytes;
      next.enter();
    }
  }
}
