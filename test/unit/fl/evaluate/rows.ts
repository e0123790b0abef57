/** A stream of whole numbers that any language repeats: Lehmer's generator with 16807 modulo 2^31 - 1. */
export function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = Number((BigInt(state) * 16_807n) % 2_147_483_647n);
    return state;
  };
}

/** 300 rows with logits in tenths, so with ties; the outcome follows 0.5 · logit - 0.7. */
export function examples(): { readonly logits: number[]; readonly labels: number[] } {
  const next = lehmer(1);
  const logits: number[] = [];
  const labels: number[] = [];
  for (let row = 0; row < 300; row++) {
    const logit = ((next() % 81) - 40) / 10;
    logits.push(logit);
    labels.push((next() % 10_000) / 10_000 < 1 / (1 + Math.exp(-(0.5 * logit - 0.7))) ? 1 : 0);
  }
  return { logits, labels };
}

/** 60 rows of two numbers; the outcome follows 1.5 a - 0.5 b + 0.8. */
export function pairs(): { readonly x: Float32Array; readonly y: number[] } {
  const next = lehmer(7);
  const x = Float32Array.from({ length: 120 }, () => ((next() % 201) - 100) / 50);
  const y = Array.from({ length: 60 }, (_, row) => {
    const p = 1 / (1 + Math.exp(-(1.5 * x[2 * row]! - 0.5 * x[2 * row + 1]! + 0.8)));
    return (next() % 1_000) / 1_000 < p ? 1 : 0;
  });
  return { x, y };
}
