import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { parseGenesis, startChain } from '../../../genesis/index.js';
import { readCar } from '../../../node/export/car.js';
import { verifyExport } from '../../../node/export/index.js';
import { exportFiles, keptChain } from '../../support/exportedChain.js';
import { contentChain, KEPT_UPGRADE } from '../../support/gate.js';
import training from '../../vectors/chain.json' with { type: 'json' };
import upgraded from '../../vectors/upgraded.json' with { type: 'json' };

const folder = join(import.meta.dirname, '../../vectors');

const chains = [
  { name: 'chain', what: 'training, of protocol 1', kept: training, make: keptChain },
  {
    name: 'upgraded',
    what: 'content tasks open where protocol 2 begins',
    kept: upgraded,
    make: () => contentChain([KEPT_UPGRADE]),
  },
];

/** Under its own rules for ever, by whatever Node runs this: CI runs two. */
describe.each(chains)('the chain that is kept in test/vectors as $name ($what)', ({ name, kept, make }) => {
  const file = join(folder, `${name}.car`);
  const genesisFile = join(folder, `${name}.genesis.json`);

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
    const made = await exportFiles(make());
    try {
      expect(readFileSync(made.file).equals(readFileSync(file))).toBe(true);
    } finally {
      made.remove();
    }
  });
});
