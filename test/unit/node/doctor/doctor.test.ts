import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { startChain } from '../../../../genesis/index.js';
import { createLibp2pTransport, type Transport } from '../../../../net/index.js';
import { chainFinding, membershipFinding } from '../../../../node/doctor/chain.js';
import {
  type DoctorBounds,
  doctorBounds,
  examineNode,
  examineProgram,
  type Finding,
} from '../../../../node/doctor/index.js';
import { startNode } from '../../../../node/main.js';
import { watchPeerClocks } from '../../../../node/peerClocks.js';
import {
  freePorts,
  newKeys,
  readGenesis,
  readKeystore,
  sealedText,
} from '../../../../node/provision/index.js';
import { readNodeConfig } from '../../../../node/settings/index.js';
import { openDatabase, write } from '../../../../node/store/database.js';
import { key } from '../../../../node/store/entries.js';
import { openStore } from '../../../../node/store/index.js';
import { runProgram } from '../../../support/runProgram.js';

const names = ['north', 'east', 'south', 'west'];
let made: string;
let dir: string;
let count = 0;
let ports: number[];
const ends: (() => Promise<unknown>)[] = [];
const at = (...parts: string[]) => join(dir, ...parts);
const configFile = () => at('north', 'config.json');

beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'consilium-doctor-'));
  dir = join(made, 'first');
  ports = await freePorts(5);
  for (const [index, name] of names.entries()) {
    await well('init', at(name), '--name', name, '--address', `/ip4/127.0.0.1/tcp/${ports[index]}`);
  }
  await well(
    'genesis',
    'create',
    at('founding'),
    '--name',
    'study',
    ...names.map((name) => at(name, 'card.json')),
  );
  const digest = (await well('genesis', 'digest', at('founding', 'genesis.json'))).trim();
  const agreed = [
    '--genesis',
    at('founding', 'genesis.json'),
    '--cards',
    at('founding', 'cards.json'),
    '--expect',
    digest,
  ];
  await well(
    'join',
    at('north'),
    ...agreed,
    '--rpc-port',
    String(ports[4]),
    '--listen',
    `/ip4/127.0.0.1/tcp/${ports[0]}`,
  );
  chmodSync(at('north'), 0o700);
}, 60_000);
afterAll(() => rmSync(made, { recursive: true, force: true }));
beforeEach(() => {
  count += 1;
  dir = join(made, `copy-${count}`);
  cpSync(join(made, 'first'), dir, { recursive: true });
});
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

async function well(...args: string[]): Promise<string> {
  const { exit, out, message } = await runProgram(...args);
  expect([exit, message]).toEqual(['ok', '']);
  return out;
}

async function findings(
  check: Finding['check'],
  bounds: DoctorBounds = doctorBounds,
): Promise<readonly Finding[]> {
  const found = await examineNode({ config: readNodeConfig(configFile()), bounds });
  return found.filter((each) => each.check === check);
}

/** One finding of this check is as bad as that, says this, and how to mend it. */
async function expectFinding(
  check: Finding['check'],
  status: Finding['status'],
  says: RegExp,
  mend: RegExp,
  bounds?: DoctorBounds,
) {
  const found = await findings(check, bounds);
  const fitting = found.filter((each) => each.status === status && says.test(each.message));
  expect(fitting, JSON.stringify(found)).not.toEqual([]);
  expect(fitting[0]!.mend ?? '').toMatch(mend);
}

function changeConfig(change: object): void {
  writeFileSync(
    configFile(),
    JSON.stringify({ ...JSON.parse(readFileSync(configFile(), 'utf8')), ...change }),
  );
}

const chainOf = () => startChain(readGenesis(at('north', 'genesis.json')));

async function makeChain(chainId = chainOf().chainId): Promise<void> {
  const { tip } = chainOf();
  const store = await openStore({
    path: at('north', 'data'),
    chainId,
    genesisState: tip.state,
    create: true,
  });
  await store.close();
}

/** The other hospitals' links, with clocks that differ by so much; `admits`: whether they let north in. */
async function startPeers(offsetsMs: readonly number[], admits = true): Promise<void> {
  const { chainId } = chainOf();
  const north = JSON.parse(readFileSync(at('north', 'card.json'), 'utf8')).publicKey as string;
  for (const [index, offset] of offsetsMs.entries()) {
    const name = names[index + 1]!;
    const { sign } = readKeystore(at(name, 'keystore.json'), at(name, 'password'));
    const listen = [`/ip4/127.0.0.1/tcp/${ports[index + 1]}`];
    const transport: Transport = createLibp2pTransport({ secret: sign!, chainId, listen, onError: () => {} });
    const clocks = watchPeerClocks(transport, {
      now: () => Date.now() + offset,
      monotonic: () => performance.now(),
      after: () => () => {},
    });
    if (admits) transport.setPeers([{ key: north, addresses: [] }]);
    await transport.start();
    ends.push(async () => {
      clocks.close();
      await transport.stop();
    });
  }
}

/** A disk of any size takes the right to mount one. */
function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'consilium-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place], { stdio: 'ignore' });
    execFileSync('umount', [place]);
    return true;
  } catch {
    console.log('doctor: a full disk is not tried: none can be mounted here');
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function occupy(port: number): Promise<void> {
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port }, () => resolve()));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
}

describe('doctor', () => {
  it('does not call a bug of its own a bad disk', async () => {
    const config = readNodeConfig(configFile());
    const chain = startChain(readGenesis(config.genesis));
    const { chainId, tip } = chain;
    const store = await openStore({ path: config.dataDir, chainId, genesisState: tip.state, create: true });
    await store.close();
    // No chain id at all: what comes of it is no fault of the folder.
    const broken = { ...chain, chainId: null as never };
    await expect(chainFinding(config, broken, null)).rejects.toThrow(TypeError);
  });

  it('finds nothing wrong where nothing is', async () => {
    await makeChain();
    await startPeers([0, 0, 0]);
    const found = await examineNode({
      config: readNodeConfig(configFile()),
      bounds: { ...doctorBounds, freeBytesWarning: 0, syncMsWarning: 1e6, syncMsFault: 1e6 },
    });
    expect(found.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(new Set(found.map(({ check }) => check)).size).toBe(10);
  });

  it('versions: a Node that is too old, a library that is missing or another', () => {
    const program = at('program');
    mkdirSync(join(program, 'node_modules', 'libp2p'), { recursive: true });
    writeFileSync(join(program, 'node_modules', 'libp2p', 'package.json'), '{"version": "1.0.0"}');
    const wanted = {
      version: '1',
      engines: { node: '>=20.19' },
      dependencies: { libp2p: '3.3.11', 'no-such-library': '1.0.0' },
    };
    const messages = examineProgram(wanted, 'v20.9.0', program).map(
      ({ message, mend }) => `${message}; ${mend}`,
    );
    expect(messages).toEqual([
      expect.stringMatching(/Node v20\.9\.0 runs this, 20\.19 is the least; install/),
      expect.stringMatching(/libp2p is 1\.0\.0, not 3\.3\.11; run "npm ci"/),
      expect.stringMatching(/no-such-library is not installed/),
    ]);
    expect(examineProgram()).toEqual([expect.objectContaining({ status: 'ok' })]);
    for (const enough of ['v20.19.0', 'v20.20.2', 'v24.0.0']) {
      expect(examineProgram({ ...wanted, dependencies: {} }, enough)[0]!.status).toBe('ok');
    }
  });

  it('modes: secrets that others may read, a folder that others may change', async () => {
    chmodSync(at('north', 'keystore.json'), 0o644);
    await expectFinding('modes', 'fault', /keystore\.json has mode 644/, /chmod 600 .*keystore\.json/);
    chmodSync(at('north', 'keystore.json'), 0o600);
    chmodSync(at('north'), 0o777);
    await expectFinding('modes', 'fault', /mode 777/, /chmod 700/);
  });

  it('keys: a keystore that does not open, is another’s kind, or is gone', async () => {
    writeFileSync(at('north', 'password'), 'wrong\n');
    await expectFinding('keys', 'fault', /password is wrong/, /backup/);
    rmSync(at('north', 'password'));
    await expectFinding('keys', 'fault', /no such file/, /backup/);
    writeFileSync(at('north', 'password'), 'pass\n');
    writeFileSync(at('north', 'keystore.json'), sealedText(newKeys('other'), 'pass'));
    await expectFinding('keys', 'fault', /lacks the secrets sign and vrf/, /consilium init/);
  });

  it('genesis: another one than that which was joined, or none', async () => {
    const file = at('north', 'genesis.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), name: 'another' }));
    await expectFinding('genesis', 'fault', /has the digest .* this node is of the chain/, /genesis digest/);
    writeFileSync(file, '{');
    await expectFinding('genesis', 'fault', /not a genesis/, /another hospital/);
  });

  it('chain: damaged, another’s, in use, without its votes', async () => {
    const path = at('north', 'data');
    await makeChain(new Uint8Array(32).fill(1));
    await expectFinding('chain', 'fault', /belongs to another chain/, /dataDir/);
    rmSync(path, { recursive: true });
    await makeChain();
    const { chainId, tip } = chainOf();
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    await expectFinding('chain', 'fault', /another process/, /two nodes with the same keys/);
    await store.abstain(null);
    await store.close();
    await expectFinding('chain', 'warning', /will not vote at first/, /votes when the others have told/);
    const database = await openDatabase(path, false);
    await write(database, [[{ type: 'del', key: key.head }]]);
    await database.close();
    await expectFinding('chain', 'fault', /damaged/, /chain repair/);
  });

  it('membership: a key that the chain does not know, or with another VRF key', async () => {
    const own = readKeystore(at('north', 'keystore.json'), at('north', 'password'));
    const stranger = newKeys('validator');
    const put = (secrets: Record<string, Uint8Array>) => {
      writeFileSync(at('north', 'password'), 'pass\n');
      writeFileSync(at('north', 'keystore.json'), sealedText({ ...stranger, secrets }, 'pass'));
    };
    put(stranger.secrets);
    await expectFinding(
      'membership',
      'warning',
      new RegExp(bytesToHex(stranger.publicKey)),
      /validator add --card/,
    );
    put({ sign: own.sign!, vrf: stranger.secrets.vrf! });
    await expectFinding('membership', 'fault', /another VRF key of north/, /backup/);
    expect(hexToBytes('00')).toHaveLength(1);
  });

  it('membership: a seat that is gone', () => {
    const own = { sign: new Uint8Array(32), publicKey: 'aa', vrfPublicKey: 'bb' };
    const north = { publicKey: 'aa', vrfPublicKey: 'bb', name: 'north' };
    expect(membershipFinding(own, [{ ...north, seat: 'lost' }])).toMatchObject({
      status: 'warning',
      message: 'north has no seat any more: it follows, and does not vote',
      mend: expect.stringContaining('consilium validator add'),
    });
    expect(membershipFinding(own, [{ ...north, seat: 'held' }])).toMatchObject({ status: 'ok' });
  });

  it('ports: held by another program, or of no address here', async () => {
    await occupy(ports[4]!);
    await expectFinding(
      'ports',
      'fault',
      new RegExp(`127.0.0.1:${ports[4]} \\(rpc.port\\) is in use, and not by this node`),
      /ss -ltnp/,
    );
    changeConfig({ listen: ['/ip4/192.0.2.7/tcp/4001'] });
    await expectFinding(
      'ports',
      'fault',
      /192\.0\.2\.7:4001 \(listen\) is no address of this machine/,
      /ip address/,
    );
  });

  it('disk: too little space, writes that are slow, or not possible', async () => {
    const enormous = Number.MAX_SAFE_INTEGER;
    await expectFinding('disk', 'fault', /a node that cannot write stops/, /free some/, {
      ...doctorBounds,
      freeBytesFault: enormous,
    });
    await expectFinding('disk', 'warning', /are free where/, /free some/, {
      ...doctorBounds,
      freeBytesFault: 0,
      freeBytesWarning: enormous,
    });
    await expectFinding('disk', 'fault', /4 KiB is safe after [\d.]+ ms/, /local SSD/, {
      ...doctorBounds,
      syncMsFault: 0,
    });
    await expectFinding('disk', 'warning', /4 KiB is safe after/, /local SSD/, {
      ...doctorBounds,
      syncMsFault: 1e9,
      syncMsWarning: 0,
    });
    changeConfig({ dataDir: '/proc/self/nowhere/data' });
    await expectFinding('disk', 'fault', /\/proc\/self cannot be written/, /chown/);
  });

  it.skipIf(!canMount())('disk: full to the last byte', async () => {
    const full = at('full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
    ends.push(async () => execFileSync('umount', [full]));
    changeConfig({ dataDir: join(full, 'data') });
    // What is written before the disk is full is no finding; what fills it is.
    await expectFinding('disk', 'ok', /4 KiB is safe/, /^$/, { ...doctorBounds, syncMsWarning: 1e6 });
    expect(() => writeFileSync(join(full, 'rest'), new Uint8Array(131_072))).toThrow(/ENOSPC/);
    await expectFinding('disk', 'fault', /0 MiB are free where .*full lies/, /free some/);
    await expectFinding('disk', 'fault', /full cannot be written: ENOSPC/, /free some/);
  });

  it('of a node that runs: asks it, and finds no fault in what it holds itself', async () => {
    await startPeers([0, 0, -60_000]);
    const node = await startNode({ ...readNodeConfig(configFile()), logLevel: 'error' });
    ends.push(() => node.close());
    const ofPeers = async () => (await findings('clock')).concat(await findings('peers'));
    await expect
      .poll(async () => (await ofPeers()).map(({ message }) => message).join('\n'), { timeout: 30_000 })
      .toMatch(/median of 3 peers.*wrong are those of west[\s\S]*3 links to validators, 2 make a quorum/);
    for (const [check, says] of [
      ['chain', /^the node runs, at height \d+$/],
      ['ports', new RegExp(`^the node itself holds them \\(RPC ${ports[4]}\\)$`)],
      ['membership', /^north is a validator, its seat is /],
    ] as const) {
      const found = await findings(check);
      expect(found).toEqual([{ check, status: 'ok', message: expect.stringMatching(says), mend: null }]);
    }
    await ends.splice(2, 1)[0]!(); // west
    await expect
      .poll(
        async () =>
          (await findings('peers')).map(({ status, message }) => `${status}: ${message}`).join('\n'),
        {
          timeout: 30_000,
        },
      )
      .toMatch(/^warning: west cannot be reached[\s\S]*ok: 2 links to validators/);
  });

  it('of another program at the RPC’s address: that is not the node', async () => {
    changeConfig({ rpc: { ...JSON.parse(readFileSync(configFile(), 'utf8')).rpc, port: ports[0] } });
    changeConfig({ listen: [`/ip4/127.0.0.1/tcp/${ports[4]}`] });
    const own = readNodeConfig(configFile());
    // East's node, whose RPC has the port that north's shall have.
    const { keystore, passwordFile } = {
      keystore: at('east', 'keystore.json'),
      passwordFile: at('east', 'password'),
    };
    const east = {
      ...own,
      name: 'east',
      keystore,
      passwordFile,
      dataDir: at('east', 'data'),
      logLevel: 'error' as const,
    };
    const node = await startNode(east);
    ends.push(() => node.close());
    await expectFinding('ports', 'fault', /\(rpc.port\) is in use, and not by this node/, /ss -ltnp/);
    await expectFinding('chain', 'ok', /there is no chain in .*north/, /^$/);
  });

  it('peers: down, another program in their place, or such that do not let this node in', async () => {
    await occupy(ports[2]!);
    await startPeers([0], false);
    await expectFinding('peers', 'fault', /west cannot be reached at .*ECONNREFUSED/, /firewall/);
    await expectFinding(
      'peers',
      'fault',
      /south answers at .* and does not let this node in/,
      /another node has that address/,
    );
    await expectFinding(
      'peers',
      'fault',
      /east answers at .* and does not let this node in/,
      /not on its list yet/,
    );
    await expectFinding('peers', 'fault', /0 links to validators, 2 make a quorum/, /the chain stands/);
    changeConfig({ peers: [] });
    await expectFinding('peers', 'fault', /no peers are configured/, /card add/);
  });

  it('peers: one of three that is down is a warning', async () => {
    await startPeers([0, 0]);
    await expectFinding('peers', 'warning', /west cannot be reached/, /card add/);
    expect((await findings('peers')).at(-1)).toMatchObject({ status: 'ok' });
  });

  it('clock: the own one differs from most, or one of the others does', async () => {
    await startPeers([60_000, 60_000, 0]);
    await expectFinding('clock', 'fault', /differs by -(59|60)\d{3} ms from the median of 3 peers/, /chrony/);
    await Promise.all(ends.splice(0).map((end) => end()));
    await startPeers([0, 0, -60_000]);
    await expectFinding('clock', 'warning', /wrong are those of west/, /tell these hospitals/);
  });

  it('configuration: tells the place, as text and as JSON, and ends with 1', async () => {
    changeConfig({ trainerTreads: 2 });
    const { exit, out } = await runProgram('doctor', '--config', configFile());
    expect(exit).toBe('check-failed');
    expect(out).toMatch(/^fault +configuration +.*trainerTreads: did you mean trainerThreads\?$/m);
    expect(out).toMatch(/→ mend that place/);
    const json = await runProgram('doctor', '--config', configFile(), '--json');
    expect(JSON.parse(json.out)).toContainEqual(
      expect.objectContaining({ check: 'configuration', status: 'fault' }),
    );
  });
});
