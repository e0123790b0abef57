import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import type { TestChain } from './chain.js';
import { exportFiles, keptChain } from './exportedChain.js';
import { contentChain, KEPT_UPGRADE } from './gate.js';

/*
 * Makes the chains that are kept in test/vectors: `node dist/test/support/keepChain.js test/vectors`. Until the first
 * release they are made anew when formats change; from then on they must verify for ever as they are.
 */

const [folder = ''] = process.argv.slice(2);
await keep(keptChain(), 'chain');
await keep(contentChain([KEPT_UPGRADE]), 'upgraded');

async function keep(chain: TestChain, name: string): Promise<void> {
  const files = await exportFiles(chain);
  try {
    await copyFile(files.file, join(folder, `${name}.car`));
    await copyFile(files.genesisFile, join(folder, `${name}.genesis.json`));
    const states = chain.blocks.map(({ block }) => bytesToHex(block.header.stateRoot));
    const head = { height: chain.tip.height, hash: bytesToHex(chain.tip.hash) };
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ head, states }, null, 2)}\n`);
  } finally {
    files.remove();
  }
}
