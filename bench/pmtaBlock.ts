import { bytesToHex, drbg, utf8ToBytes } from '../crypto/index.js';
import { type Call, createTestChain } from '../test/support/chain.js';
import { contentCall, sealedBytes } from '../test/support/gate.js';
import { person } from '../test/support/genesis.js';
import { plain, type Row } from './row.js';

const ROUNDS = 12;
/** While functions are compiled and keys are seen for the first times. */
const WARM_UP_ROUNDS = 4;

/**
 * What a block of publications costs a node to judge, signatures included: CPU time, so that other work beside it does not
 * count as waiting. Each publication is another account's, and ends before the next block, as in the network's cells.
 */
export function blockRows(protocols: readonly number[], sizes: readonly number[]): Row[] {
  return protocols.flatMap((protocol) => sizes.map((size) => blockRow(protocol, size)));
}

function blockRow(protocol: number, size: number): Row {
  const publishers = Array.from({ length: size }, (_, i) => person(`publisher ${i}`));
  const accounts = publishers.map(({ name, publicKey }) => {
    const rest = { role: 'publisher' as const, hospital: '', level: 1, vrfPublicKey: null };
    return { ...rest, name, publicKey: bytesToHex(publicKey) };
  });
  const upgrades = protocol === 1 ? [] : [{ height: 1, protocol }];
  const test = createTestChain({
    adjust: (genesis) => ({ ...genesis, upgrades, accounts: [...genesis.accounts, ...accounts] }),
  });
  const content = sealedBytes(test.chain.chainId, drbg(utf8ToBytes('bench/pmta/block')));
  const call: Call = contentCall(test, content, { applyMs: 1, workMs: 1 });
  const microseconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { block } = test.build(publishers.map((from) => test.sign({ ...call, from })));
    const before = process.cpuUsage();
    const judgement = test.judge(block);
    const { user, system } = process.cpuUsage(before);
    if (!judgement.ok) throw new Error(`the own block is invalid: ${judgement.detail}`);
    if (judgement.judged.executed.receipts.some(({ ok }) => !ok))
      throw new Error('a publication was refused');
    test.adopt(judgement.judged);
    if (round >= WARM_UP_ROUNDS) microseconds.push((user + system) / size);
  }
  microseconds.sort((a, b) => a - b);
  const [least, most] = [microseconds[0]!, microseconds.at(-1)!];
  const range = `${least.toFixed(0)} to ${most.toFixed(0)}, ${microseconds.length} blocks`;
  return plain(
    `a block of ${size} publications by protocol ${protocol}: CPU to judge`,
    microseconds[Math.floor(microseconds.length / 2)]!,
    'µs a transaction',
    range,
  );
}
