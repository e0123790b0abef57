import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openMarks } from '../../audit/index.js';
import { decode, decodeCertificate, encode, encodeReceipt } from '../../chain/index.js';
import { decodeContent, encodeContent } from '../../contracts/index.js';
import { deriveHpkeKeys } from '../../crypto/index.js';
import { marksAnswerCodec, marksRequestCodec } from '../../node/driver/marks.js';
import {
  decodeBase as decodeExportBase,
  decodeMarks,
  decodeState,
  encodeBase as encodeExportBase,
  encodeMarks,
  encodeState,
} from '../../node/export/records.js';
import { openContent, sealContent } from '../../node/sealing/content.js';
import { createKeyFile, KeyFileError, readKeyFile } from '../../node/sealing/keyFile.js';
import { encodeHeightEntry, looseHeightEntry, openHeightEntry } from '../../node/store/heightEntry.js';
import { readPlace, writePlace } from '../../node/store/placeIndex.js';
import { decodeBase, encodeBase } from '../../node/store/snapshotBase.js';
import type { Corpus } from './corpus.js';
import type { Target } from './run.js';
import { coded, MESSAGE_MAX, take } from './taking.js';

const SEAL_BYTES = 32;

/** What stands for pruned payloads, in answers and exports; sealed contents and their keys; entries of a chain folder. */
export function storedTargets(corpus: Corpus, folder: string): readonly Target[] {
  return [...markTargets(corpus), ...sealedTargets(corpus, folder), ...entryTargets(corpus)];
}

function markTargets({ test }: Corpus): readonly Target[] {
  const { chainId } = test.chain;
  const made = test.blocks.map(({ block, executed }) => ({
    block,
    ids: block.transactions.flatMap(({ payloads }) => payloads),
    receipts: executed.receipts.map(encodeReceipt),
  }));
  const busy = made.find(({ ids }) => ids.length > 0)!;
  const states = busy.ids.map((_, i) => (['held', 'pruned', 'unknown'] as const)[i % 3]!);
  const answers = [
    { states, receipts: busy.receipts },
    { states: [], receipts: null },
  ];
  const marks = [
    { chainId, absent: [], receipts: 0, made: [] },
    { chainId, absent: [0, 2], receipts: busy.receipts.length, made: [1, 9] },
  ];
  const state = new Map([
    ['params', Uint8Array.of(1)],
    ['tasks/task/1', Uint8Array.of(2, 3)],
  ]);
  const payloads = [new Uint8Array(3)];
  const base = { ...test.entries[3]!, height: 4, parentSeed: new Uint8Array(32), state, payloads };
  const [answered] = answers.map((answer) => encode(marksAnswerCodec, answer));
  return [
    coded(
      'marks request',
      marksRequestCodec,
      made.map(({ ids }, i) => encode(marksRequestCodec, { height: i + 1, ids })),
    ),
    coded(
      'marks answer',
      marksAnswerCodec,
      answers.map((answer) => encode(marksAnswerCodec, answer)),
    ),
    // The whole check: receipts that are not the block's are refused, whatever they are.
    {
      name: 'receipts of an answer',
      weight: 2,
      corpus: [answered!],
      take: take(
        (raw) => {
          const { receipts } = decode(marksAnswerCodec, raw, MESSAGE_MAX);
          return receipts !== null && openMarks(busy.block, receipts).ok ? receipts : null;
        },
        (receipts) => {
          if (receipts.some((receipt, i) => Buffer.compare(receipt, busy.receipts[i]!) !== 0))
            throw new Error('receipts of another block are taken');
          return 'accepted';
        },
      ),
    },
    {
      name: 'export marks',
      weight: 4,
      corpus: marks.map(encodeMarks),
      take: take(decodeMarks, (record) => encodeMarks(structuredClone(record))),
    },
    {
      name: 'export base',
      weight: 2,
      corpus: [encodeExportBase(chainId, base, 2)],
      take: take(decodeExportBase, () => 'accepted'),
    },
    {
      name: 'export state',
      weight: 2,
      corpus: [...encodeState(chainId, state)],
      take: take(decodeState, () => 'accepted'),
    },
  ];
}

function sealedTargets({ test }: Corpus, folder: string): readonly Target[] {
  const { chainId } = test.chain;
  const own = deriveHpkeKeys(new Uint8Array(32).fill(1));
  const other = deriveHpkeKeys(new Uint8Array(32).fill(2));
  const content = { title: 'a title', description: 'what it is about' };
  const contentFor = (...readers: readonly Uint8Array[]) =>
    encodeContent(
      sealContent({
        chainId,
        content,
        readers,
        taskKey: new Uint8Array(32).fill(3),
        ikms: readers.map((_, i) => new Uint8Array(32).fill(4 + i)),
      })!,
    );
  const contents = [contentFor(own.publicKey), contentFor(other.publicKey, own.publicKey)];
  const file = join(folder, 'key.json');
  createKeyFile(file);
  const keyFile = new Uint8Array(readFileSync(file));
  rmSync(file);
  return [
    {
      name: 'sealed content',
      weight: 4,
      corpus: contents,
      take: take(decodeContent, (sealed) => encodeContent(structuredClone(sealed))),
    },
    // Authenticated: what opens is what was sealed.
    {
      name: 'opened content',
      weight: 1,
      corpus: contents,
      take: take(
        (raw) => {
          const sealed = decodeContent(raw);
          return sealed === null ? null : openContent(chainId, sealed, own);
        },
        (opened) => {
          if (JSON.stringify(opened) !== JSON.stringify(content)) throw new Error('another text is opened');
          return 'accepted';
        },
      ),
    },
    {
      name: 'reading key file',
      weight: 1,
      corpus: [keyFile],
      take: take(
        (raw) => {
          writeFileSync(file, raw);
          return readKeyFile(file);
        },
        () => 'accepted',
        [KeyFileError],
      ),
    },
  ];
}

function entryTargets({ test }: Corpus): readonly Target[] {
  const bases = test.blocks.slice(0, 4).map(({ block }, i) => {
    const { chainId: _, ...certificate } = decodeCertificate(test.entries[i]!.certificate);
    const payloads = block.transactions.flatMap((each) => each.payloads);
    return encodeBase({ header: block.header, certificate, parentSeed: new Uint8Array(32), payloads });
  });
  const heights = test.blocks.map(({ block, hash, executed }, i) =>
    encodeHeightEntry({
      previous: new Uint8Array(32),
      hash,
      indexed: i + 1,
      indexSum: 7,
      payloads: block.transactions.flatMap(({ payloads }) => payloads),
      block: test.entries[i]!.block,
      certificate: test.entries[i]!.certificate,
      receipts: executed.receipts.map(encodeReceipt),
    }),
  );
  const place = Buffer.alloc(8);
  writePlace(place, 0, { height: 4, index: 1 });
  return [
    {
      name: 'base of a folder',
      weight: 2,
      // Behind its seal, which nothing altered would pass.
      corpus: bases.map((entry) => entry.subarray(SEAL_BYTES)),
      take: take(decodeBase, (base) => encodeBase(structuredClone(base)).subarray(SEAL_BYTES)),
    },
    {
      name: 'height entry',
      weight: 4,
      corpus: heights,
      take: (raw) => {
        // Whatever the lengths of an altered one say, a repair reads it.
        looseHeightEntry(raw)?.receipts();
        const entry = openHeightEntry(raw);
        return entry === null ? 'refused' : encodeHeightEntry({ ...entry, receipts: entry.receipts() });
      },
    },
    {
      name: 'place in the index',
      weight: 1,
      corpus: [new Uint8Array(place)],
      take: take(readPlace, (at) => {
        const raw = Buffer.alloc(8);
        writePlace(raw, 0, at);
        return new Uint8Array(raw);
      }),
    },
  ];
}
