import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode, readState } from '../../chain/index.js';
import { ringAt, ringCodec } from '../../consensus/index.js';
import { type CertifyJob, certifyRange } from '../../node/driver/certify.js';
import { createClaim, isFirst } from '../../node/driver/claim.js';
import { encodeRange, type RawEntry } from '../../node/driver/range.js';
import { createTestChain, type TestChain } from '../support/chain.js';

/** The built files: a worker thread is started from them, so `npm run build` comes first (npm test does it). */
const dist = (path: string) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { createCertifier }: typeof import('../../node/driver/certifier.js') =
  await dist('node/driver/certifier.js');

let test: TestChain;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'certifier-'));
  test = createTestChain();
  while (test.tip.height < 24) {
    const args = { digest: new Uint8Array(32), memo: '' };
    test.block([{ from: test.publisher, contract: 'anchor', method: 'put', args }]);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Heights from..to, those in `bad` with a signature of nobody. */
function job(from: number, to: number, bad: readonly number[] = []): CertifyJob {
  const { chain, blocks, entries } = test;
  const raws: RawEntry[] = entries.slice(from - 1, to).map(({ block, certificate }, i) => ({
    block,
    certificate: bad.includes(from + i)
      ? certificate.map((byte, at) => byte ^ Number(at > 200))
      : certificate,
  }));
  const { height, hash, seed } = from === 1 ? chain.tip : blocks[from - 2]!.tip;
  const ring = ringAt(readState(chain.tip.state), from, chain.rules.eraHeights);
  return {
    chainId: chain.chainId,
    ring: encode(ringCodec, ring),
    members: chain.rules.members,
    parent: { height, hash, seed },
    range: encodeRange(raws),
    blocks: raws.length,
  };
}

describe('threads that check certificates', () => {
  it('find what this thread finds, several jobs at a time', async () => {
    const certifier = createCertifier(undefined, 2);
    const jobs = [job(1, 8), job(9, 16), job(17, 24), job(1, 12, [5]), job(3, 20, [3]), job(1, 24, [24])];
    const found = await Promise.all(jobs.map((each) => certifier.certify(each)));
    expect(found).toEqual(jobs.map(certifyRange));
    expect(found.map(({ length }) => length)).toEqual([8, 8, 8, 4, 0, 23]);
    expect(found[0]!.every(({ signed, committee }) => signed && committee.length === 4)).toBe(true);
    await certifier.close();
    expect((await certifier.certify(job(1, 8))).length).toBe(8);
    await certifier.close();
  });

  it('that end say so to whoever waits, and others take their place', async () => {
    const program = join(folder, 'worker.mjs');
    writeFileSync(
      program,
      'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(4))',
    );
    const certifier = createCertifier(pathToFileURL(program), 2);
    for (let time = 0; time < 2; time += 1) {
      const both = await Promise.allSettled([certifier.certify(job(1, 8)), certifier.certify(job(9, 16))]);
      for (const each of both) {
        expect(each).toMatchObject({ status: 'rejected', reason: { code: 'thread-ended' } });
      }
    }
    await certifier.close();
  });

  it('leave to a caller that would wait what none of them has begun', async () => {
    const program = join(folder, 'begins.mjs');
    // Begins the first job that it is given, and is never done with it.
    writeFileSync(
      program,
      `import { parentPort } from 'node:worker_threads';
       let busy = false;
       parentPort.on('message', ({ job, claim }) => {
         if (busy) return;
         busy = true;
         Atomics.store(claim, 0, 1);
         Atomics.store(job.begun, 0, 1);
         Atomics.notify(job.begun, 0);
       });`,
    );
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const certifier = createCertifier(pathToFileURL(program), 1);
    const jobs = [{ ...job(1, 8), begun }, job(9, 16), job(1, 12, [5])];
    const [first, ...others] = jobs.map((each) => certifier.certify(each));
    const rejected = Promise.allSettled([first]);
    expect(await Atomics.waitAsync(begun, 0, 0, 60_000).value).not.toBe('timed-out');
    expect(await certifier.help()).toBe(true);
    expect(await others[0]).toEqual(certifyRange(jobs[1]!));
    expect(await certifier.help()).toBe(true);
    expect(await others[1]).toEqual(certifyRange(jobs[2]!));
    expect(await certifier.help()).toBe(false);
    await certifier.close();
    expect((await rejected)[0]!.status).toBe('rejected');
  });

  it('leave alone what such a caller has begun', async () => {
    const thread = new Worker(new URL('../../dist/node/driver/certifyWorker.js', import.meta.url));
    const [theirs, free] = [createClaim(), createClaim()];
    isFirst(theirs);
    thread.postMessage({ id: 1, job: job(1, 8), claim: theirs });
    thread.postMessage({ id: 2, job: job(9, 16), claim: free });
    const [answer] = await once(thread, 'message');
    expect(answer).toEqual({ id: 2, findings: certifyRange(job(9, 16)) });
    await thread.terminate();
  });

  it('take what waits as they answer, and end with all of it', async () => {
    const certifier = createCertifier(undefined, 1);
    const jobs = Array.from({ length: 6 }, () => job(1, 24));
    const found = await Promise.all(jobs.map((each) => certifier.certify(each)));
    expect(found.map(({ length }) => length)).toEqual([24, 24, 24, 24, 24, 24]);
    const left = Promise.allSettled(jobs.map((each) => certifier.certify(each)));
    await certifier.close();
    expect(new Set((await left).map(({ status }) => status))).toEqual(new Set(['rejected']));
  });

  it('end when nothing came for a while, and not before', async () => {
    const program = join(folder, 'thread.mjs');
    writeFileSync(
      program,
      `import { parentPort, threadId } from 'node:worker_threads';
       parentPort.on('message', ({ id }) => parentPort.postMessage({ id, findings: [threadId] }));`,
    );
    const threadOf = async (certifier: ReturnType<typeof createCertifier>) =>
      (await certifier.certify(job(1, 8)))[0];
    const patient = createCertifier(pathToFileURL(program), 1, 60_000);
    const first = await threadOf(patient);
    patient.rest();
    expect(await threadOf(patient)).toBe(first);
    await patient.close();
    const hasty = createCertifier(pathToFileURL(program), 1, 10);
    const before = await threadOf(hasty);
    let after = before;
    for (let tries = 0; after === before && tries < 100; tries += 1) {
      hasty.rest();
      await new Promise((resolve) => setTimeout(resolve, 20));
      after = await threadOf(hasty);
    }
    expect(after).not.toBe(before);
    await hasty.close();
  });
});
