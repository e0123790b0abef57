import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { drbg } from '../../../../crypto/index.js';
import { createGrid } from '../../../../fl/index.js';
import { startBackend, trainStep } from '../../../../fl/trainer/index.js';
import { randomBatch } from './reference.js';

const model = { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] } as const;
const grid = createGrid({ dimension: 3, clip16: 65_536, sigma16: 65_536 });
const job = { ...randomBatch('backend', model, 4), grid };

describe('startBackend', () => {
  it('must have ended before training', async () => {
    expect(() => trainStep(job, drbg(new Uint8Array(1)))).toThrow(
      expect.objectContaining({ code: 'not-ready' }),
    );
    await startBackend();
    expect(trainStep(job, drbg(new Uint8Array(1))).update.length).toBeGreaterThan(0);
  });

  it('leaves the handlers of the process as they were', async () => {
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const before = events.map((event) => process.listeners(event as 'uncaughtException'));
    const mine = () => {};
    process.on('uncaughtException', mine);
    await startBackend();
    expect(process.listeners('uncaughtException')).toContain(mine);
    process.off('uncaughtException', mine);
    expect(events.map((event) => process.listeners(event as 'uncaughtException'))).toEqual(before);
    const text = events
      .flatMap((event) => process.listeners(event as 'uncaughtException').map(String))
      .join();
    expect(text).not.toContain('ExitStatus');
    expect(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')).toContain(
      'tfjs-backend-wasm',
    );
  });
});
