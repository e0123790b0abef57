import { type Codec, DecodeError, decode, encode } from '../../chain/index.js';
import type { Taken, Target } from './run.js';

/** Bytes of the largest messages are bounded by the decoders themselves; these stand for those without one. */
export const MESSAGE_MAX = 8 * 1024 * 1024;

/** A decoder that throws one of its own errors, or gives null, for what it refuses. */
export function take<T>(
  read: (raw: Uint8Array) => T | null,
  write: (value: T) => Taken,
  errors: readonly (new (...given: never[]) => Error)[] = [DecodeError],
): (raw: Uint8Array) => Taken {
  return (raw) => {
    let value: T | null;
    try {
      value = read(raw);
    } catch (error) {
      if (errors.some((kind) => error instanceof kind)) return 'refused';
      throw error;
    }
    return value === null ? 'refused' : write(value);
  };
}

/** Decoded values remember their bytes: a copy of one does not. */
export function again<T>(codec: Codec<T>): (value: T) => Uint8Array {
  return (value) => encode(codec, structuredClone(value));
}

/** A message of which the codec is all there is. */
export function coded<T>(name: string, codec: Codec<T>, corpus: readonly Uint8Array[], weight = 4): Target {
  return { name, weight, corpus, take: take((raw) => decode(codec, raw, MESSAGE_MAX), again(codec)) };
}

export const word = ({ ok }: { readonly ok: boolean }): Taken => (ok ? 'accepted' : 'refused');
