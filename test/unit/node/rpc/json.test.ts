import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countTokens } from '../../../../node/rpc/body.js';
import { base64ToBytes, bytesToBase64, jsonOf } from '../../../../node/rpc/index.js';
import { base64Length } from '../../../../node/rpc/json.js';

describe('base64', () => {
  it('goes back and forth, with the length that was foretold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = bytesToBase64(bytes);
        expect(base64ToBytes(text)).toEqual(bytes);
        expect(text.length).toBe(base64Length(bytes.length));
      }),
    );
  });

  it('takes one text for one value', () => {
    expect(base64ToBytes('AQID')).toEqual(Uint8Array.of(1, 2, 3));
    // Unpadded, URL alphabet, white space, bits that are dropped, padding inside, other characters.
    for (const text of ['AQ', 'A', '-_-_', 'AQ ID', 'AQID\n', 'AR==', 'AQ==AQ==', '====', 'AQI*', 'ÄQID']) {
      expect(base64ToBytes(text), text).toBe(null);
    }
  });
});

describe('the JSON form', () => {
  it('writes bytes as hex and bigints as decimals, all the way down', () => {
    const value = { a: Uint8Array.of(0, 255), b: [1, 'x', null, true, { c: 2n ** 64n - 1n }] };
    expect(jsonOf(value)).toEqual({ a: '00ff', b: [1, 'x', null, true, { c: '18446744073709551615' }] });
    expect(() => jsonOf(undefined)).toThrow(TypeError);
  });
});

describe('counting tokens', () => {
  it('never counts fewer than there are values and names, nor what is inside texts', () => {
    const count = (value: unknown): number => {
      if (Array.isArray(value)) return 1 + value.reduce<number>((sum, item) => sum + count(item), 0);
      if (typeof value === 'object' && value !== null)
        return 1 + Object.values(value).reduce<number>((sum, item) => sum + 1 + count(item), 0);
      return 1;
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const tokens = countTokens(bytes, Number.MAX_SAFE_INTEGER);
        expect(tokens).toBeLessThanOrEqual(2 * count(value));
        expect(2 * tokens + 1).toBeGreaterThanOrEqual(count(value));
      }),
    );
  });

  it('sees through escapes', () => {
    expect(countTokens(Buffer.from('"[,\\"[,\\\\"'), 100)).toBe(0);
    expect(countTokens(Buffer.from('"\\\\",[1]'), 100)).toBe(2);
    expect(countTokens(Buffer.from('"a'), 100)).toBe(0);
  });

  it('stops above the limit', () => {
    expect(countTokens(Buffer.from('['.repeat(1_000)), 10)).toBe(11);
  });
});
