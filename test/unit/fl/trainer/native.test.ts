import {
  findBackend,
  getBackend,
  getKernelsForBackend,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../../../../fl/trainer/index.js';
import { goNative } from '../../../../fl/trainer/native.js';

const NATIVE = 'tensorflow';

beforeAll(startBackend);

afterEach(async () => {
  await setBackend('wasm');
  forget();
});

/** Stands for the package, which cannot be installed everywhere: the same kernels by its name, some of them swapped. */
function standIn(swapped: Readonly<Record<string, string>> = {}): () => Promise<void> {
  return async () => {
    // Ending it must not end the one that it borrows.
    const borrowed = Object.create(findBackend('wasm'), { dispose: { value: () => undefined } });
    registerBackend(NATIVE, () => borrowed);
    const kernels = getKernelsForBackend('wasm');
    for (const { setupFunc: _, ...kernel } of kernels) {
      const other = swapped[kernel.kernelName];
      const source = other === undefined ? kernel : kernels.find(({ kernelName }) => kernelName === other)!;
      registerKernel({ ...kernel, kernelFunc: source.kernelFunc, backendName: NATIVE });
    }
  };
}

describe('the native tensor library', () => {
  it('is not needed: where it is not installed the other goes on', async () => {
    expect(await goNative()).toMatch(/tfjs-node/);
    expect(getBackend()).toBe('wasm');
  });

  it('runs once its results are those of the other', async () => {
    expect(await goNative(standIn())).toBeNull();
    expect(getBackend()).toBe(NATIVE);
  });

  it('does not run when a kernel computes something else, or none is there', async () => {
    expect(await goNative(standIn({ Tanh: 'Sigmoid' }))).toMatch(/results differ/);
    expect(getBackend()).toBe('wasm');
    forget();
    expect(await goNative(standIn({ FusedConv2D: 'Conv2D' }))).toMatch(/results differ/);
    forget();
    expect(await goNative(async () => undefined)).not.toBeNull();
    expect(getBackend()).toBe('wasm');
  });

  it('does not run when its start throws what is no error', async () => {
    const load = () => Promise.reject('not for this machine');
    expect(await goNative(load)).toBe('not for this machine');
    expect(getBackend()).toBe('wasm');
  });
});

function forget(): void {
  for (const { kernelName } of getKernelsForBackend(NATIVE)) unregisterKernel(kernelName, NATIVE);
  if (findBackend(NATIVE) !== null) removeBackend(NATIVE);
}
