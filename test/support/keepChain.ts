import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import { exportFiles, ROUNDS, trainedChain } from './exportedChain.js';

/*
 * Makes the chain that is kept in test/vectors: `node dist/test/support/keepChain.js test/vectors`. Until the first
 * release it is made anew when formats change; from then on it must verify for ever as it is.
 */

const [folder = ''] = process.argv.slice(2);
const chain = trainedChain(ROUNDS);
const files = await exportFiles(chain);
try {
  await copyFile(files.file, join(folder, 'chain.car'));
  await copyFile(files.genesisFile, join(folder, 'chain.genesis.json'));
  const states = chain.blocks.map(({ block }) => bytesToHex(block.header.stateRoot));
  const head = { height: chain.tip.height, hash: bytesToHex(chain.tip.hash) };
  await writeFile(join(folder, 'chain.json'), `${JSON.stringify({ head, states }, null, 2)}\n`);
} finally {
  files.remove();
}
