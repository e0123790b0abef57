import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RING_ERAS_KEPT, ringCell } from '../../../../consensus/index.js';
import { bytesToHex, equalBytes, sha256 } from '../../../../crypto/index.js';
import { ConfigError } from '../../../../node/config.js';
import { LightError, LightSession, trustFile } from '../../../../node/light/index.js';
import { base64ToBytes, bytesToBase64, type Client, RpcError } from '../../../../node/rpc/index.js';
import { createTestChain, type TestChain } from '../../../support/chain.js';
import { flipped, LIGHT_ERA, quietChain, ringAfter } from '../../../support/light.js';
import { type ServedNode, serveNode } from '../../../support/servedNode.js';

/** Longer than the state keeps rings: the first eras' are only in the store. */
const HEIGHT = LIGHT_ERA * (RING_ERAS_KEPT + 5);

let dir: string;
let test: TestChain;
let node: ServedNode;
let files = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-light-'));
  test = quietChain(HEIGHT, 100, 1);
  node = await serveNode(test);
}, 60_000);
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true, force: true });
  expect(node.bugs).toEqual([]);
});

const freshFile = () => join(dir, `light-${files++}.json`);
interface Setting {
  readonly clients?: readonly Client[];
  readonly file?: string;
  readonly known?: { readonly height: number; readonly hash: Uint8Array };
  readonly heard?: string[];
}
const open = ({ clients = [node.client], file = freshFile(), known, heard = [] }: Setting = {}) =>
  new LightSession({
    genesis: test.genesis,
    clients,
    trust: trustFile(file),
    known,
    onRefusal: (_, error) => heard.push(error.code.toString()),
  });
const knownAt = (height: number) => ({ height, hash: test.blocks[height - 1]!.hash });
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error) => (error instanceof RpcError ? error.word : (error as { code?: unknown }).code),
  );

/** A node that alters answers of one method; `asked` counts the calls. */
function between(method: string, alter: (answer: never) => unknown, asked: string[] = []): Client {
  return {
    ...node.client,
    call: async (name: never, params: never, options?: never) => {
      asked.push(name);
      const answer = await node.client.call(name, params, options);
      return (name === method ? alter(answer as never) : answer) as never;
    },
  };
}
/** Turns a bit in the middle of a base64 text. */
const spoilt = (text: string): string => {
  const raw = base64ToBytes(text)!;
  return bytesToBase64(flipped(raw, Math.floor(raw.length / 2) * 8));
};

describe('a light session', () => {
  it('follows from the genesis to the head, over eras whose rings only the store has', async () => {
    const asked: string[] = [];
    const session = open({ clients: [between('', () => null, asked)] });
    const head = await session.followOn();
    expect(bytesToHex(head.hash)).toBe(bytesToHex(test.tip.hash));
    expect(head.ring).toEqual(ringAfter(test, HEIGHT));
    // Rings did change, and old ones are gone from the state.
    expect(ringAfter(test, LIGHT_ERA * 2 - 1)).not.toEqual(ringAfter(test, 1));
    expect(ringCell.get(test.state, 2)).toBeNull();
    expect(asked.filter((name) => name === 'proof.follow').length).toBe(1);
  });

  it('goes on from its file, which is whole at all times', async () => {
    const file = freshFile();
    await open({ file }).followOn();
    expect(readdirSync(dir).filter((name) => name.endsWith('.partial'))).toEqual([]);
    const asked: string[] = [];
    const again = open({ file, clients: [between('', () => null, asked)] });
    expect(again.head.height).toBe(HEIGHT);
    await again.state(['params']);
    expect(asked).toEqual(['chain.status', 'proof.state']);
  });

  it('refuses a file that is altered, of another chain, or no file of its own', async () => {
    const file = freshFile();
    await open({ file }).followOn();
    const saved = JSON.parse(readFileSync(file, 'utf8'));
    const faults = [
      { ...saved, start: spoilt(saved.start) },
      { ...saved, head: { ...saved.head, height: 3 } },
      { ...saved, head: { ...saved.head, hash: '0'.repeat(64) } },
      { ...saved, chainId: '0'.repeat(64) },
      { ...saved, more: 1 },
      [],
    ];
    for (const fault of faults) {
      writeFileSync(file, JSON.stringify(fault));
      expect(() => open({ file })).toThrow(ConfigError);
    }
    writeFileSync(file, '{');
    expect(() => open({ file })).toThrow(ConfigError);
    // Another root is no fault: it begins there.
    writeFileSync(file, JSON.stringify(saved));
    expect(open({ file, known: knownAt(9) }).head.height).toBe(0);
  });

  it('begins at a block that is known, and nowhere else', async () => {
    const session = open({ known: knownAt(HEIGHT - 7) });
    expect(bytesToHex((await session.followOn()).hash)).toBe(bytesToHex(test.tip.hash));
    const other = { height: 9, hash: sha256() };
    const file = freshFile();
    expect(await codeOf(open({ known: other, file }).followOn())).toBe('wrong-hash');
    expect(existsSync(file)).toBe(false);
    expect(await codeOf(open({ known: { ...other, height: HEIGHT + 1 } }).followOn())).toBe('not-found');
  });

  it('proves an old block by going back from the head', async () => {
    const { block } = await open({ known: knownAt(HEIGHT - 2) }).state(['params']);
    expect(block.header.height).toBe(HEIGHT);
  });
});

describe('nodes are not believed', () => {
  const lies: readonly [string, (answer: never) => unknown][] = [
    ['proof.follow', ({ steps, ...rest }: { steps: string[] }) => ({ ...rest, steps: steps.map(spoilt) })],
    ['proof.follow', ({ steps, ...rest }: { steps: string[] }) => ({ ...rest, steps: steps.slice(1) })],
    [
      'proof.follow',
      ({ steps, ...rest }: { steps: string[] }) => ({ ...rest, steps: steps.map(() => steps[0]) }),
    ],
    [
      'proof.state',
      ({ entries, ...rest }: { entries: string[] }) => ({ ...rest, entries: entries.map(spoilt) }),
    ],
    [
      'proof.state',
      ({ entries, ...rest }: { entries: string[] }) => ({ ...rest, entries: entries.toReversed() }),
    ],
    ['proof.state', ({ height, ...rest }: { height: number }) => ({ ...rest, height: height - 1 })],
    ['proof.state', ({ height, ...rest }: { height: number }) => ({ ...rest, height: height - height })],
  ];

  it.each(lies)('a lie in %s is refused, and the next node is asked', async (method, alter) => {
    const liar = between(method, alter as never);
    const file = freshFile();
    expect(
      await open({ clients: [liar], file })
        .state(['params', 'emptyRun'])
        .catch((error) => error),
    ).toBeInstanceOf(LightError);
    const heard: string[] = [];
    const shown = await open({ clients: [liar, node.client], heard }).state(['params', 'emptyRun']);
    expect(shown.state.get('params')).not.toBeNull();
    expect(heard.length).toBe(1);
  });

  it('empty answers, and such that are not base64, are no answers', async () => {
    const empty = between('proof.follow', () => ({ steps: [], reached: 0 }));
    const garbage = between('proof.follow', () => ({ steps: ['*'], reached: 0 }));
    expect(await codeOf(open({ clients: [empty] }).followOn())).toBe('bad-answer');
    expect(await codeOf(open({ clients: [garbage] }).followOn())).toBe('bad-answer');
  });

  it('a step beyond what was asked for is not taken for it', async () => {
    const low = between('proof.state', (answer: object) => ({ ...answer, height: HEIGHT - 3 }));
    const eager = {
      ...low,
      call: (name: never, params: { from: number; to: number }) =>
        low.call(name, (name === 'proof.follow' ? { ...params, to: params.to + 1 } : params) as never),
    } as Client;
    expect(await codeOf(open({ clients: [eager] }).state(['params']))).toBe('wrong-height');
  });

  it('a node that names another block and cannot prove it is told of', async () => {
    const heard: string[] = [];
    const other = between('chain.status', (answer: object) => ({ ...answer, hash: '0'.repeat(64) }));
    const spoiler = { ...other, call: between('proof.follow', lies[0]![1]).call } as Client;
    const both = {
      ...other,
      call: (name: never, params: never) =>
        (name === 'chain.status' ? other.call(name, params) : spoiler.call(name, params)) as never,
    } as Client;
    const head = await open({ clients: [node.client, both], heard }).followOn();
    expect(head.height).toBe(HEIGHT);
    expect(heard.length).toBe(1);
  });
});

describe('two histories of the same keys', () => {
  it('are noticed when two nodes prove different blocks of one height', async () => {
    const [a, b] = [0, 1].map((later) => {
      const chain = createTestChain({ hospitals: 1 });
      for (let height = 1; height <= 5; height += 1) chain.block([], chain.tip.time + 10 + later);
      return chain;
    }) as [TestChain, TestChain];
    expect(equalBytes(a.tip.hash, b.tip.hash)).toBe(false);
    const nodes = await Promise.all([serveNode(a), serveNode(b)]);
    try {
      const session = (clients: readonly Client[]) =>
        new LightSession({ genesis: a.genesis, clients, trust: trustFile(freshFile()) });
      expect((await session([nodes[0]!.client]).followOn()).height).toBe(5);
      expect((await session([nodes[1]!.client]).followOn()).height).toBe(5);
      expect(await codeOf(session(nodes.map(({ client }) => client)).followOn())).toBe('forked');
    } finally {
      for (const each of nodes) await each.close();
    }
  });
});

describe('where committees are a part of the ring', () => {
  it('the node shows every height, and the client follows', async () => {
    const part = quietChain(9, 4, 7);
    const served = await serveNode(part);
    try {
      const session = new LightSession({
        genesis: part.genesis,
        clients: [served.client],
        trust: trustFile(freshFile()),
      });
      expect(bytesToHex((await session.followOn()).hash)).toBe(bytesToHex(part.tip.hash));
      const { steps } = await served.client.call('proof.follow', { from: 0, to: 9 });
      expect(steps.length).toBe(9);
    } finally {
      await served.close();
    }
  });
});
