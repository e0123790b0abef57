import { bytesToHex } from '../crypto/index.js';

/** Payloads that somebody relies on at this moment, each as often as it was asked for: none of them may be removed. */
export class Wanted {
  readonly #counts = new Map<string, number>();

  has(id: Uint8Array): boolean {
    return this.#counts.has(bytesToHex(id));
  }

  hold(refs: readonly { readonly id: Uint8Array }[]): void {
    for (const { id } of refs) {
      const name = bytesToHex(id);
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }

  free(refs: readonly { readonly id: Uint8Array }[]): void {
    for (const { id } of refs) {
      const name = bytesToHex(id);
      const left = (this.#counts.get(name) ?? 0) - 1;
      if (left > 0) this.#counts.set(name, left);
      else this.#counts.delete(name);
    }
  }
}
