import { describe, expect, it } from 'vitest';
import {
  createGrid,
  decodeUpdate,
  encodeUpdate,
  meanOfWire,
  type Records,
  wireStep,
} from '../../../../fl/index.js';
import { type AttackerRecords, createAttacker } from '../../../../node/devices/attacker.js';

const grid = createGrid({ dimension: 2, clip16: 65_536, sigma16: 0 });
const step = wireStep(grid);
const recordsOf = (value: number, rows: number): AttackerRecords => ({
  x: new Float32Array(rows).fill(value),
  y: new Float32Array(rows),
  rows,
});

/** A trainer whose sums tell what it was given: N times the first input, and N times the first label. */
const train = async ({ x, y }: Records) =>
  encodeUpdate(
    Int32Array.of(Math.round((y.length * x[0]!) / step), Math.round((y.length * y[0]!) / step)),
    grid,
  );
const meanOf = (update: Uint8Array, rows: number): number[] => {
  const unpacked = decodeUpdate(update, grid);
  if (!unpacked.ok) throw new Error(unpacked.reason);
  return [...meanOfWire(unpacked.wire, rows, grid)];
};
const setting = { grid, devices: 20, unit: 'record', train } as const;
const own = recordsOf(0.5, 4);
const accomplices = [recordsOf(0.25, 2), recordsOf(0.75, 8)];

describe('a device that attacks', () => {
  it('is honest without an attack, and before its round', async () => {
    for (const attack of [null, 'ipm', 'label-flip'] as const) {
      const attacker = createAttacker({ attack, attackFromRound: 5 }, 1, own, accomplices);
      const update = await train(attacker.recordsOf(4));
      expect(attacker.recordsOf(4)).toBe(own);
      expect(await attacker.updateOf(4, update, setting)).toBe(update);
    }
  });

  it('trains on flipped labels and sends what comes of it', async () => {
    const attacker = createAttacker({ attack: 'label-flip', attackFromRound: 5 }, 1, own, []);
    expect(attacker.recordsOf(5).y).toEqual(new Float32Array(4).fill(1));
    const update = await train(attacker.recordsOf(5));
    expect(await attacker.updateOf(5, update, setting)).toBe(update);
  });

  it('sends minus half the mean of what all devices of the attacker would honestly send', async () => {
    const attacker = createAttacker({ attack: 'ipm', attackFromRound: 1 }, 1, own, accomplices);
    const update = await attacker.updateOf(1, await train(own), setting);
    expect(meanOf(update, 4)).toEqual([-0.25, 0]);
  });

  it('comes to the same mean update as its accomplices, each with units of its own', async () => {
    const [first, second, third] = [own, ...accomplices] as const;
    const sent = await Promise.all(
      [
        [first, second, third],
        [second, first, third],
        [third, first, second],
      ].map(async ([self, ...others]) => {
        const attacker = createAttacker(
          { attack: 'alie-1.5', attackFromRound: 1 },
          1,
          self!,
          others as AttackerRecords[],
        );
        return meanOf(await attacker.updateOf(1, await train(self!), setting), self!.rows)[0]!;
      }),
    );
    const deviation = Math.sqrt(0.125 / 3);
    for (const mean of sent) expect(mean).toBeCloseTo(0.5 - 1.5 * deviation, 2);
  });
});
