/** What the pure rooms use of node:assert, where there is no Node. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  constructor({ message }: { readonly message?: string }) {
    super(message ?? 'an assertion failed');
  }
}

function ok(value: unknown, message?: string): asserts value {
  if (!value) throw new AssertionError({ message: message ?? 'it does not hold' });
}

function equal(actual: unknown, expected: unknown, message?: string): void {
  ok(Object.is(actual, expected), message ?? `${String(actual)} is not ${String(expected)}`);
}

export const strict = Object.assign(ok, { ok, equal, AssertionError });
