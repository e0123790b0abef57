import { execFileSync } from 'node:child_process';
import { payloadId } from '../../chain/index.js';
import { utf8ToBytes } from '../../crypto/index.js';
import { openStore, StoreError } from '../../node/store/index.js';
import { chainId, genesisState, makeNext } from '../support/notesChain.js';

/**
 * Writes as a node does, until it is killed: a record, a payload, a commit, the next height. Each line on its
 * output says what is on the disk by then. Arguments: folder, heights to write at most, and what fails from height
 * 3 on for lack of room: the database or the journal beside it.
 */
const [path, heights, full] = process.argv.slice(2);
const MIB = 1024 * 1024;
const store = await openStore({ path: path!, chainId, genesisState: genesisState(), create: true });
say(`opened ${store.head.height}`);
try {
  for (let left = Number(heights); left > 0; left -= 1) {
    const { commit } = makeNext({ ...store.head, state: store.state() }, 20);
    const { height } = commit.block.header;
    // A limit on the size of files stands for the full disk. The journal's second copies lie behind 16 MiB of it.
    if (height === 3 && full === 'journal') limitFiles(`${16 * MIB}:unlimited`);
    if (height === 3 && full === 'database') {
      limitFiles(`${32 * MIB}:unlimited`);
      const huge = new Uint8Array(33 * MIB);
      await store.putPayload(payloadId(huge), huge);
    }
    await store.putRecords(height, [{ key: 'vote/0/soft', value: commit.hash }]);
    say(`record ${height}`);
    const bytes = utf8ToBytes(`payload of ${height} `.repeat(2000));
    await store.putPayload(payloadId(bytes), bytes);
    say(`payload ${height}`);
    await store.commit(commit);
    say(`commit ${height}`);
  }
  say('done');
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  say(`failed ${error.code}`);
  // There is room again: the store must stay stopped all the same, its log may end in a torn entry.
  limitFiles('unlimited:unlimited');
  const again = await store.putRecords(store.head.height + 1, []).catch((second: StoreError) => second.code);
  say(`again ${again ?? 'fine'}`);
}
await store.close();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function limitFiles(bytes: string): void {
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}`]);
}
