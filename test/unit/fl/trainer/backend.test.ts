import { describe, expect, it } from 'vitest';
import { drbg } from '../../../../crypto/index.js';
import { createGrid } from '../../../../fl/index.js';
import { startBackend, trainStep } from '../../../../fl/trainer/index.js';
import { randomBatch } from './reference.js';

const model = { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] } as const;
const grid = createGrid({ dimension: 3, clip16: 65_536, sigma16: 65_536 });
const job = { ...randomBatch('backend', model, 4), grid };

describe('startBackend', () => {
  it('must have ended before training, and leaves the handlers of the process as they were', async () => {
    expect(() => trainStep(job, drbg(new Uint8Array(1)))).toThrow(
      expect.objectContaining({ code: 'not-ready' }),
    );
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const handlers = () => events.map((event) => process.listeners(event as 'uncaughtException'));
    const mine = () => {};
    for (const event of events) process.on(event, mine);
    const before = handlers();
    await startBackend();
    const after = handlers();
    for (const event of events) process.off(event, mine);
    expect(after).toEqual(before);
    expect(trainStep(job, drbg(new Uint8Array(1))).update.length).toBeGreaterThan(0);
  });
});
