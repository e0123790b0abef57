import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { drbg, utf8ToBytes } from '../../crypto/index.js';
import { type Claim, claimsAbout } from './claims.js';

/*
 * Proofs of the state, true ones and false ones in bulk, before ICS23's reference implementation (in Go, pinned in
 * bench/peers/ics23). Run: npm run test:ics23 -- [--seed N] [--trees N]. Where there is no Go, or no module proxy and
 * nothing cached, it says so and ends with 0: neither the product nor its other tests need Go.
 */

const run = promisify(execFile);
const BUILD_MS = 600_000;
const SIZES = [1, 2, 3, 4, 5, 8, 13, 40, 150, 1_000];

const { values } = parseArgs({
  options: { seed: { type: 'string' }, trees: { type: 'string', default: '40' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const folder = await mkdtemp(join(tmpdir(), 'consilium-ics23-'));
try {
  const program = join(folder, 'check');
  const missing = await build(program);
  if (missing === null) process.exitCode = await check(program);
  else console.log(`test:ics23: skipped: ${missing}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Builds the checker; or why that cannot be done here. What does not compile is an error. */
async function build(program: string): Promise<string | null> {
  const beside = fileURLToPath(new URL('../../../bench/peers/ics23', import.meta.url));
  const cwd = existsSync(beside)
    ? beside
    : fileURLToPath(new URL('../../bench/peers/ics23', import.meta.url));
  try {
    await run('go', ['version']);
  } catch {
    return 'there is no Go on this machine';
  }
  try {
    await run('go', ['mod', 'download'], { cwd, timeout: BUILD_MS });
  } catch (error) {
    return `its modules cannot be had (module proxy?): ${String((error as Error).message).slice(0, 300)}`;
  }
  await run('go', ['build', '-mod=readonly', '-trimpath', '-o', program, '.'], { cwd, timeout: BUILD_MS });
  return null;
}

async function check(program: string): Promise<number> {
  const random = drbg(utf8ToBytes(`ics23 ${seed}`));
  const pick = (bound: number): number => {
    const bytes = random(6);
    return Number(Buffer.from(bytes).readUIntBE(0, 6) % bound);
  };
  const trees = Number(values.trees);
  const claims = Array.from({ length: trees }, (_, i) => claimsAbout(SIZES[i % SIZES.length]!, pick)).flat();
  const answers = await ask(program, claims);
  const counts = new Map<string, number>();
  const wrong = claims.filter(({ kind, holds }, i) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return answers[i] !== (holds ? '1' : '0');
  });
  for (const [kind, count] of counts) {
    const other = wrong.filter((claim) => claim.kind === kind).length;
    console.log(`${kind.padEnd(48)} ${count} ${other === 0 ? '' : `${other} NOT as they should be`}`);
  }
  console.log(
    `${claims.length} claims about ${trees} trees, ${wrong.length} judged otherwise than by us; seed ${seed}`,
  );
  for (const { kind, key, root } of wrong.slice(0, 5))
    console.log(`  ${kind}: ${key} under ${Buffer.from(root).toString('hex')}`);
  if (wrong.length > 0) console.log(`repeat: npm run test:ics23 -- --seed ${seed} --trees ${trees}`);
  return wrong.length === 0 ? 0 : 1;
}

async function ask(program: string, claims: readonly Claim[]): Promise<readonly string[]> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answered = text(child.stdout);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const lines = claims.map(({ root, key, value, proof }) =>
    JSON.stringify({
      root: base64(root),
      key: base64(utf8ToBytes(key)),
      value: value === null ? null : base64(value),
      proof: base64(proof),
    }),
  );
  child.stdin.end(`${lines.join('\n')}\n`);
  const answers = (await answered).split('\n').filter((line) => line !== '');
  if (answers.length !== claims.length)
    throw new Error(`${answers.length} answers to ${claims.length} claims`);
  return answers;
}
