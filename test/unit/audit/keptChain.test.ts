import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { parseGenesis, startChain } from '../../../genesis/index.js';
import { readCar } from '../../../node/export/car.js';
import { verifyExport } from '../../../node/export/index.js';
import { exportFiles, trainedChain } from '../../support/exportedChain.js';
import kept from '../../vectors/chain.json' with { type: 'json' };

const folder = join(import.meta.dirname, '../../vectors');
const file = join(folder, 'chain.car');
const genesisFile = join(folder, 'chain.genesis.json');

/** Under its own rules for ever, by whatever Node runs this: CI runs two. */
describe('the chain that is kept (test/vectors/chain.car)', () => {
  it('verifies, and ends where it ended', async () => {
    const report = await verifyExport({
      file,
      genesisFile,
      anchors: [`${kept.head.height}:${kept.head.hash}`],
    });
    expect(report).toMatchObject({ ok: true, complete: true, divergence: null });
    expect(report.checked.stateRoots).toBe(kept.head.height);
  });

  it('has, replayed here, the state that it had at every height', async () => {
    const parsed = parseGenesis(readFileSync(genesisFile, 'utf8'));
    if (!parsed.ok) throw new Error(parsed.detail);
    const replay = createReplay(startChain(parsed.genesis));
    const states: string[] = [];
    for await (const entry of readCar(file)) {
      expect(replay.take(entry)).toBeNull();
      states.push(bytesToHex(replay.last!.executed.stateRoot));
    }
    expect(states).toEqual(kept.states);
  });

  it('is the same to the byte when it is made again', async () => {
    const made = await exportFiles(trainedChain());
    try {
      expect(readFileSync(made.file).equals(readFileSync(file))).toBe(true);
    } finally {
      made.remove();
    }
  });
});
