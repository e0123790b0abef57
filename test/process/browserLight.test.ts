import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  budgetKeys,
  encodeStateEntry,
  encodeTransactionProof,
  proveEntry,
  proveTransaction,
} from '../../audit/light/index.js';
import { transactionHash } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { createTestChain, dataset, declareCall } from '../support/chain.js';
import { flipped, rawStep } from '../support/light.js';

const root = new URL('../../', import.meta.url).href;
const children = new URL('dist/test/children/', root);
const packageFile = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

/** Runs a built file where modules are a browser's; gives its exit code and what it wrote. */
async function inBrowser(file: URL, input: unknown, map = packageFile.browser) {
  const setting = encodeURIComponent(JSON.stringify({ map, root }));
  const hooks = `${new URL('browserHooks.js', children).href}?role=preload&setting=${setting}`;
  const child = spawn(process.execPath, ['--import', hooks, file.pathname]);
  child.stdin.end(JSON.stringify(input));
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { out, errors, code };
}

function givenChain() {
  const test = createTestChain();
  test.block([]);
  test.block(test.devices.map((device) => declareCall(device)));
  const last = test.blocks[1]!;
  const device = bytesToHex(test.devices[0]!.publicKey);
  const datasets = [bytesToHex(dataset)];
  const keys = budgetKeys(device, datasets);
  const lists = (raws: readonly Uint8Array[]) => raws.map((raw) => [...raw]);
  const { transactions } = last.block;
  const proof = proveTransaction(transactions, last.executed.receipts, 1);
  const step = rawStep(test, 2);
  return {
    test,
    input: {
      genesis: test.genesis,
      // One bit of the certificate's last signature.
      steps: lists([rawStep(test, 1), flipped(step, (step.length - 60) * 8), step]),
      transaction: [...encodeTransactionProof(proof)],
      keys,
      entries: lists(keys.map((key) => encodeStateEntry(proveEntry(test.tip.state, key)))),
      device,
      datasets,
    },
    transaction: transactions[1]!,
  };
}

/** What stands for modules of the trainer is another page's (test/browser/trainer.test.ts). */
const ofLightClient = Object.keys(packageFile.browser).filter((name) => !name.includes('/fl/trainer/'));

const given = givenChain();

describe('the light client in a browser', () => {
  it('follows and proves with nothing of Node: no modules, no Buffer, no process', async () => {
    const { test, input, transaction } = given;
    const { out, errors, code } = await inBrowser(new URL('browserLight.js', children), input);
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({
      globals: ['undefined', 'undefined'],
      height: 2,
      hash: [...test.tip.hash],
      faults: ['bad-signature'],
      transaction: [...transactionHash(transaction)],
      declared: 1,
    });
  });

  it.each(ofLightClient)('does not load without what stands for %s', async (name) => {
    const { [name]: _, ...map } = packageFile.browser;
    const { code, errors } = await inBrowser(new URL('browserLight.js', children), given.input, map);
    expect(code).toBe(1);
    expect(errors).toMatch(/which browsers do not have|Buffer is not defined/);
  });
});
