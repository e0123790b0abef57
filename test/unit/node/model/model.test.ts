import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesToHex, sha256 } from '../../../../crypto/index.js';
import { decodeSafetensors, schemaJson } from '../../../../fl/index.js';
import {
  factsFromExport,
  factsFromNode,
  formatCard,
  type ModelFacts,
  modelCard,
  writeModel,
} from '../../../../node/model/index.js';
import { type ExportedFiles, exportFiles, trainedChain } from '../../../support/exportedChain.js';
import { runProgram as run } from '../../../support/runProgram.js';
import { type ServedNode, serveNode } from '../../../support/servedNode.js';

let served: ServedNode;
let files: ExportedFiles;
let dir: string;
let facts: ModelFacts;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-model-'));
  const chain = trainedChain(4);
  files = await exportFiles(chain);
  served = await serveNode(chain);
  facts = await factsFromNode(served.client, 1);
}, 120_000);
afterAll(async () => {
  await served.close();
  files.remove();
  rmSync(dir, { recursive: true, force: true });
});

const write = (name: string, content: string | Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};

/** Rows that a and b say something of. */
function patients(): string {
  const rows = Array.from({ length: 80 }, (_, row) => {
    const [a, b] = [((row * 37) % 100) / 20 - 2.5, ((row * 53) % 100) / 25 - 2];
    return `${a},${b},${a - b + ((row * 29) % 40) / 10 - 2 > 0 ? 1 : 0},${row % 2 ? 'f' : 'm'},${20 + row}`;
  });
  return `a,b,y,sex,age\n${rows.join('\n')}\n`;
}

describe('what a chain says of a model', () => {
  it('is the same from a node and from a replayed export', async () => {
    const replayed = await factsFromExport(files.file, files.genesisFile, 1);
    expect({ ...replayed, from: 'node' }).toEqual(facts);
    expect(facts).toMatchObject({ task: 1, status: 'done' });
    expect(facts.rounds.map(({ round }) => round)).toEqual([1, 2, 3, 4]);
    expect(facts.devices).toHaveLength(8);
  });

  it('is nothing if the node gives other bytes than it names', async () => {
    const { client } = served;
    const lying = {
      ...client,
      call: async (method: string, params: never) => {
        const answer: object = await client.call(method as 'payload.get', params);
        return method === 'payload.get' ? { ...answer, bytes: Buffer.alloc(12).toString('base64') } : answer;
      },
    } as typeof client;
    await expect(factsFromNode(lying, 1)).rejects.toMatchObject({ code: 'wrong-bytes' });
  });

  it('is nothing if the export does not hold, or has no such task', async () => {
    await expect(factsFromExport(files.file, files.genesisFile, 2)).rejects.toMatchObject({
      code: 'no-task',
    });
    const bytes = readFileSync(files.file);
    bytes[bytes.length - 100]! ^= 1;
    const bad = files.write('bad.car', bytes);
    await expect(factsFromExport(bad, files.genesisFile, 1)).rejects.toThrow();
  });
});

describe('model export', () => {
  it('writes safetensors that hold the chain’s weights, twice the same bytes', async () => {
    const [a, b] = [join(dir, 'st-a'), join(dir, 'st-b')];
    const told = await run(
      'model',
      'export',
      '1',
      '--format',
      'safetensors',
      '--to',
      a,
      '--node',
      served.url,
    );
    expect([told.exit, told.out]).toEqual(['ok', expect.stringContaining(facts.model.id)]);
    const again = ['--format', 'safetensors', '--to', b, '--car', files.file, '--genesis', files.genesisFile];
    expect((await run('model', 'export', '1', ...again)).exit).toBe('ok');
    const bytes = readFileSync(join(a, 'model.safetensors'));
    expect(readFileSync(join(b, 'model.safetensors'))).toEqual(bytes);
    const read = decodeSafetensors(bytes);
    if (!read.ok) throw new Error(read.text);
    expect(read.metadata).toMatchObject({ chain: facts.chain.id, task: '1', model: facts.model.id });
    const flat = Float32Array.from(read.tensors.flatMap(({ data }) => [...data]));
    expect(Buffer.from(flat.buffer)).toEqual(Buffer.from(facts.model.bytes));
    const card = JSON.parse(readFileSync(join(a, 'card.json'), 'utf8'));
    expect(card.files).toContainEqual({ name: 'model.safetensors', sha256: bytesToHex(sha256(bytes)) });
    expect([card.known, JSON.parse(readFileSync(join(b, 'card.json'), 'utf8')).known]).toEqual([
      'told',
      'replayed',
    ]);
  });

  it('writes tfjs files and the schema beside them, and never over anything', async () => {
    const to = join(dir, 'tfjs');
    expect(writeModel(facts, 'tfjs', to).files.map(({ name }) => name)).toEqual([
      'model.json',
      'weights.bin',
      'schema.json',
    ]);
    expect(readFileSync(join(to, 'weights.bin'))).toEqual(Buffer.from(facts.model.bytes));
    expect(JSON.parse(readFileSync(join(to, 'schema.json'), 'utf8'))).toEqual(schemaJson(facts.spec.schema));
    const again = await run('model', 'export', '1', '--format', 'tfjs', '--to', to, '--node', served.url);
    expect(again.exit).toBe('bad-folder');
  });

  it.each<[string, string[], string]>([
    ['no format', ['--to', 'x'], 'usage'],
    ['a format that nobody knows', ['--to', 'x', '--format', 'onnx'], 'usage'],
    ['no source', ['--to', 'x', '--format', 'tfjs'], 'usage'],
    ['an export without a genesis', ['--to', 'x', '--format', 'tfjs', '--car', 'c'], 'usage'],
  ])('refuses %s', async (_, args, exit) => {
    expect((await run('model', 'export', '1', ...args)).exit).toBe(exit);
  });
});

describe('the model card', () => {
  it('counts rounds, hospitals and verdicts, and calls ε declared', () => {
    const card = modelCard(facts, [], 'a test');
    expect(card.training.rounds).toEqual({ asked: 4, closed: 4, searched: 0, failed: 0 });
    expect(card.hospitals).toHaveLength(4);
    expect(card.privacy).toMatchObject({ unit: 'record', epsilon: 3, delta: 1e-4 });
    const verdicts = facts.rounds.flatMap((round) => round.verdicts);
    const sum = (of: (each: (typeof card.verdicts)[number]) => number): number =>
      card.verdicts.reduce((total, each) => total + of(each), 0);
    expect(sum(({ qualified }) => qualified)).toBe(verdicts.filter(({ qualified }) => qualified).length);
    expect(sum(({ refused }) => Object.values(refused).reduce((a, b) => a + b, 0))).toBe(
      verdicts.filter(({ qualified }) => !qualified).length,
    );
    const text = formatCard(card);
    expect(text).toMatch(/ε = 3 at δ = 0\.0001 for each record, over all rounds, \*declared\*/);
    expect(text).toContain(facts.model.id);
    expect(text).toContain(`--anchor ${facts.chain.height}:${facts.chain.hash}`);
  });

  it('says that drawn records are declared', () => {
    const local = { ...facts.spec.local, rate32: 2 ** 30 };
    const card = modelCard({ ...facts, spec: { ...facts.spec, local } }, [], 'a test');
    expect(card.privacy).toMatchObject({ rate: 0.25 });
    expect(formatCard(card)).toMatch(
      /drawing 0\.25 of their units in secret for each step, \*declared\* too/,
    );
  });

  it('lets no title or name write markup, rows or lines of the card', () => {
    const title = 'x\n# Privacy: none | **safe** <script> `y`';
    const card = modelCard({ ...facts, spec: { ...facts.spec, title } }, [], 'a test');
    const [first, second] = formatCard(card).split('\n');
    expect(first).toBe('# x \\# Privacy: none \\| \\*\\*safe\\*\\* \\<script\\> \\`y\\`');
    expect(second).toBe('');
  });

  it('says so where there is no privacy', () => {
    const spec = { ...facts.spec, privacy: { ...facts.spec.privacy, sigma16: 0 } };
    expect(formatCard(modelCard({ ...facts, spec }, [], 'a test'))).toContain('trained without noise');
  });
});

describe('model evaluate', () => {
  it('prints measures with intervals, of all and of each group, for people and programs', async () => {
    const data = write('patients.csv', patients());
    const args = ['model', 'evaluate', '1', '--data', data, '--node', served.url, '--replicates', '50'];
    const { exit, out } = await run(...args, '--by', 'sex', '--by', 'age:40,65');
    expect(exit).toBe('ok');
    expect(out).toMatch(/^All: 80 rows, \d+ positive/);
    for (const head of ['sex = f: 40 rows', 'age = < 40: 20', 'age = 40 to < 65: 25', 'age = >= 65: 35'])
      expect(out).toContain(head);
    expect(out).toMatch(/AUROC +\d\.\d{3} +\d\.\d{3} to \d\.\d{3}/);
    const told = await run('--json', ...args);
    const { report, model } = JSON.parse(told.out);
    expect([model, report.length, report[0].rows]).toEqual([facts.model.id, 1, 80]);
    expect(report[0].measures.auroc).toBeGreaterThanOrEqual(0);
    expect(JSON.parse((await run('--json', ...args)).out)).toEqual(JSON.parse(told.out));
  });

  it.each<[string, string[], string]>([
    ['no such column', ['--by', 'height'], 'bad-data'],
    ['falling cuts', ['--by', 'age:65,40'], 'usage'],
    ['cuts that are no numbers', ['--by', 'age:young'], 'usage'],
    ['weights of another model', ['--weights', 'SELF'], 'bad-data'],
  ])('refuses %s', async (_, more, exit) => {
    const data = write('some.csv', patients());
    const args = more.map((arg) => (arg === 'SELF' ? data : arg));
    expect((await run('model', 'evaluate', '1', '--data', data, '--node', served.url, ...args)).exit).toBe(
      exit,
    );
  });
});

describe('device personalise', () => {
  const device = {
    version: 1,
    name: 'd',
    data: 'data.csv',
    schema: 'schema.json',
    attack: null,
    attackFromRound: 1,
  };

  function deviceFolder(name: string, csv: string): string {
    const folder = mkdtempSync(join(dir, `${name}-`));
    writeFileSync(join(folder, 'data.csv'), csv);
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(schemaJson(facts.spec.schema)));
    const config = { ...device, epsilonMicro: 3_000_000, deltaPico: 100_000_000 };
    writeFileSync(join(folder, 'device.json'), JSON.stringify(config));
    return folder;
  }

  it.each(['intercept', 'head'])('fits %s to the own rows and keeps it in the folder', async (method) => {
    const folder = deviceFolder(method, patients());
    const args = ['device', 'personalise', folder, '--task', '1', '--node', served.url, '--method', method];
    const { exit, out } = await run('--json', ...args);
    expect(exit).toBe('ok');
    const { file, heldOut, from, rows } = JSON.parse(out);
    expect([from, rows, heldOut.shared.rows]).toEqual([facts.model.id, 80, 24]);
    expect(Math.abs(heldOut.personal.measures.brier)).toBeLessThan(heldOut.shared.measures.brier + 0.05);
    const personal = readFileSync(file);
    expect(personal.length).toBe(facts.model.bytes.length);
    expect(personal).not.toEqual(Buffer.from(facts.model.bytes));
    const own = await run(
      '--json',
      'model',
      'evaluate',
      '1',
      '--data',
      join(folder, 'data.csv'),
      '--node',
      served.url,
      '--weights',
      file,
      '--replicates',
      '5',
    );
    expect(Math.abs(JSON.parse(own.out).report[0].measures.inTheLarge)).toBeLessThan(
      method === 'intercept' ? 1e-5 : 0.3,
    );
    expect((await run(...args)).out).toContain('It stays here');
  });

  it('refuses data of another schema, and one class for an intercept', async () => {
    const one = deviceFolder('one', patients().replace(/,[01],([fm])/g, ',1,$1'));
    const args = ['--task', '1', '--node', served.url];
    expect((await run('device', 'personalise', one, ...args)).exit).toBe('check-failed');
    const other = deviceFolder('other', patients());
    const { features, ...rest } = schemaJson(facts.spec.schema) as { features: { scale: number }[] };
    const changed = { ...rest, features: features.map((feature) => ({ ...feature, scale: 2 })) };
    writeFileSync(join(other, 'schema.json'), JSON.stringify(changed));
    expect((await run('device', 'personalise', other, ...args)).exit).toBe('bad-data');
  });
});
