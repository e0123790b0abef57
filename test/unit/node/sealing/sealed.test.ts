import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readState } from '../../../../chain/index.js';
import { contentCell, decodeContent, encodeContent, taskCell } from '../../../../contracts/index.js';
import { deriveHpkeKeys, drbg, utf8ToBytes } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { openContent, sealContent, type TaskContent } from '../../../../node/sealing/content.js';
import { createKeyFile, readKeyFile, shredKeyFile } from '../../../../node/sealing/keyFile.js';
import { type Call, createTestChain, type TestChain, taskSpec } from '../../../support/chain.js';
import { exportFiles } from '../../../support/exportedChain.js';
import { introduce, openNode, tempFolder, until, writeChain } from '../../../support/network.js';

const content: TaskContent = {
  title: 'Retinopathy of the Meyer family',
  description: 'Patients of Dr. Okonkwo who were seen in Ward 7 in spring, with their mothers.',
};
const random = drbg(utf8ToBytes('sealed content'));

let folder: Awaited<ReturnType<typeof tempFolder>>;
beforeEach(async () => {
  folder = await tempFolder();
});
afterEach(() => folder.remove());

function sealed(test: TestChain, readers: readonly Uint8Array[], what = content): Uint8Array {
  const { chainId } = test.chain;
  const ikms = readers.map(() => random(32));
  return encodeContent(sealContent({ chainId, content: what, readers, taskKey: random(32), ikms })!);
}

const publishCall = (test: TestChain, bytes: Uint8Array, title = ''): Call => ({
  from: test.publisher,
  contract: 'tasks',
  method: 'publishSealed',
  level: 1,
  args: { spec: taskSpec({ title }), content: bytes },
});

describe('sealed content', () => {
  it('is read by those that it names, and by nobody else', () => {
    const test = createTestChain();
    const [own, other, stranger] = [0, 1, 2].map(() => deriveHpkeKeys(random(32)));
    expect(test.refusal(publishCall(test, sealed(test, [own!.publicKey, other!.publicKey])))).toBeNull();
    const { chainId } = test.chain;
    const kept = decodeContent(contentCell.get(test.state, 1)!)!;
    expect(openContent(chainId, kept, own!)).toEqual(content);
    expect(openContent(chainId, kept, other!)).toEqual(content);
    expect(openContent(chainId, kept, stranger!)).toBeNull();
    expect(openContent(new Uint8Array(32), kept, own!)).toBeNull();
    const altered = { ...kept, ciphertext: kept.ciphertext.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) };
    expect(openContent(chainId, altered, own!)).toBeNull();
    // A wrap fits its own ciphertext alone.
    const again = decodeContent(sealed(test, [own!.publicKey], { ...content, title: 'another' }))!;
    expect(openContent(chainId, { ...again, wraps: kept.wraps }, own!)).toBeNull();
    // One more reader is one more wrap: the ciphertext stays.
    expect(openContent(chainId, { ...kept, wraps: kept.wraps.slice(1) }, other!)).toEqual(content);
  });

  it('says little by its length', () => {
    const test = createTestChain();
    const { publicKey } = deriveHpkeKeys(random(32));
    const lengths = ['a', 'a longer title', 'x'.repeat(100)].map(
      (title) => sealed(test, [publicKey], { title, description: '' }).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  it('is refused by the contract in another form, without a reader, of another chain, and with a title in clear', () => {
    const test = createTestChain();
    const { publicKey } = deriveHpkeKeys(random(32));
    const good = sealed(test, [publicKey]);
    expect(test.refusal(publishCall(test, Uint8Array.of(1, 2, 3)))).toBe('malformed-content');
    expect(test.refusal(publishCall(test, good.slice(0, -1)))).toBe('malformed-content');
    expect(test.refusal(publishCall(test, sealed(test, [])))).toBe('no-reader');
    const foreign = { ...test, chain: { ...test.chain, chainId: new Uint8Array(32) } } as TestChain;
    expect(test.refusal(publishCall(test, sealed(foreign, [publicKey])))).toBe('malformed-content');
    expect(test.refusal(publishCall(test, good, 'Retinopathy'))).toBe('title-in-clear');
    expect(test.refusal({ ...publishCall(test, good), from: test.devices[0]! })).toBe('not-a-publisher');
    expect(contentCell.get(test.state, 1)).toBeNull();
    expect(test.refusal(publishCall(test, good))).toBeNull();
    expect(taskCell.get(test.state, 1)!.spec.title).toBe('');
  });
});

/** Every byte of every file below a folder. */
function bytesBelow(path: string): readonly { file: string; bytes: Buffer }[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return { file, bytes: readFileSync(file) };
    });
}

describe('what a node stores', () => {
  it('holds no word of it: chain folder, export, every file', async () => {
    const test = createTestChain();
    const key = join(folder.path, 'publisher.json');
    const keys = createKeyFile(key);
    test.block([publishCall(test, sealed(test, [keys.publicKey]))]);
    for (let i = 0; i < 3; i += 1) test.block([]);
    const path = join(folder.path, 'nodes', 'data');
    await writeChain(test, path);
    // The same on running nodes, that gossip it and agree on it.
    const own = createTestChain();
    const network = createMemoryNetwork();
    const nodes = await Promise.all(
      own.validators.map((who) =>
        openNode({
          chain: own.chain,
          who,
          path: join(folder.path, 'nodes', who.name),
          transport: network.transport(who.secret),
        }),
      ),
    );
    await Promise.all(nodes.map(({ node }) => node.start()));
    introduce(nodes.map(({ transport }) => transport));
    const { transaction } = own.sign(publishCall(own, sealed(own, [keys.publicKey])));
    expect(await nodes[0]!.node.submit(transaction, [])).toMatchObject({ ok: true });
    for (const { node } of nodes)
      await until(node, () => contentCell.get(readState(node.tip.state), 1) !== null);
    await Promise.all(nodes.map(({ node }) => node.close()));
    const files = await exportFiles(test);
    const places = [...bytesBelow(join(folder.path, 'nodes')), ...bytesBelow(files.dir)];
    files.remove();
    expect(places.length).toBeGreaterThan(4 * 4);
    const words = `${content.title} ${content.description}`.split(/\W+/).filter((word) => word.length > 4);
    expect(words.length).toBeGreaterThan(6);
    for (const { file, bytes } of places) {
      for (const word of words) expect([file, word, bytes.includes(word)]).toEqual([file, word, false]);
    }
    // The same search finds what stands there in clear.
    expect(places.some(({ bytes }) => bytes.includes('publishSealed'))).toBe(true);
  }, 30_000);

  it('is opened by nobody once the readers’ keys are shredded', () => {
    const test = createTestChain();
    const { chainId } = test.chain;
    const paths = ['publisher', 'reader'].map((name) => join(folder.path, `${name}.json`));
    const keys = paths.map(createKeyFile);
    test.block([
      publishCall(
        test,
        sealed(
          test,
          keys.map(({ publicKey }) => publicKey),
        ),
      ),
    ]);
    const kept = decodeContent(contentCell.get(test.state, 1)!)!;
    const [one, other] = paths as [string, string];
    expect(openContent(chainId, kept, readKeyFile(one))).toEqual(content);
    // The bytes themselves go, not only the name: seen through a second name of the same file.
    const second = join(folder.path, 'second-name');
    linkSync(one, second);
    const before = readFileSync(one, 'utf8');
    shredKeyFile(one);
    expect(existsSync(one)).toBe(false);
    expect(readFileSync(second)).toHaveLength(0);
    expect(before).toContain('task-reading-key');
    expect(() => readKeyFile(one)).toThrow(expect.objectContaining({ code: 'not-found' }));
    // The other reader can still; then nobody.
    expect(openContent(chainId, kept, readKeyFile(other))).toEqual(content);
    shredKeyFile(other);
    expect(() => readKeyFile(other)).toThrow(expect.objectContaining({ code: 'not-found' }));
    const left = bytesBelow(folder.path).filter(({ bytes }) => bytes.length > 0);
    expect(left).toEqual([]);
  });

  it('keeps its keys: none is written over another, and what is no key is not shredded', () => {
    const key = join(folder.path, 'key.json');
    createKeyFile(key);
    expect(() => createKeyFile(key)).toThrow(expect.objectContaining({ code: 'exists' }));
    const note = join(folder.path, 'note.txt');
    writeFileSync(note, 'important');
    expect(() => shredKeyFile(note)).toThrow(expect.objectContaining({ code: 'not-a-key' }));
    expect(readFileSync(note, 'utf8')).toBe('important');
  });
});
