import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { bytesToHex } from '../../crypto/index.js';
import { type AttackName, schemaJson, wholeFaults } from '../../fl/index.js';
import { chainIdOf, type Genesis, genesisValue, newestFromStart, presets } from '../../genesis/index.js';
import type { DeviceConfig, NetworkFile } from '../config.js';
import { choosePoisoned, seedFor } from './choose.js';
import type { PreparedData } from './data.js';
import { ProvisionError } from './error.js';
import { makeFolder, writeJson, writeTable } from './files.js';
import { type NewKeys, newKeys, writeKeystore } from './keys.js';
import { folderState, type Network, openNetwork } from './network.js';
import { type NewNode, placeOf, writeNode } from './nodeFolder.js';
import { freePorts } from './ports.js';

export const VALIDATORS_MAX = 32;
export const DEVICES_MAX = 64;

export interface ProvisionOptions {
  /** Missing or empty. */
  readonly dir: string;
  readonly name: string;
  /** Milliseconds since 1970; the genesis time. */
  readonly time: number;
  readonly validators: number;
  /** Per validator. */
  readonly devices: number;
  /** Prepared for validators · devices devices. */
  readonly data: PreparedData;
  /** What each device may ever spend on its data; both 0: it trains without noise. */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  /** Who attacks, in demonstrations; null or left out: nobody. */
  readonly attack?: ProvisionedAttack | null;
  readonly seed: string;
  /** Size of a committee; null or left out: that of the preset, all validators up to 100. */
  readonly members?: number | null;
  /** What committees are drawn to survive; left out: as the preset says. */
  readonly capture?: Genesis['params']['capture'];
  /** Looks at the genesis before anything is written, and throws if it must not be. */
  readonly accept?: (genesis: Genesis) => void;
  /** Gives up; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** An attack of a local network: by so many of its devices, or of its validators. */
export interface ProvisionedAttack {
  readonly name: AttackName | 'colluding-verifiers';
  /** 0 to 1; rounded to whole devices (validators). */
  readonly share: number;
  readonly fromRound: number;
}

/** The level of every account and task of a local network. */
export const LOCAL_LEVEL = 1;
/** Tokens of a local network, all in the publisher's hands. */
const LOCAL_BALANCE = 1_000_000;

interface NewDevice {
  readonly name: string;
  readonly hospital: string;
  readonly keys: NewKeys;
}

/**
 * Writes a whole local network into a fresh folder: genesis, keys, configurations, each device's shard of the
 * data, the publisher's test part. All or nothing: it is built beside and moved in place at the end.
 *
 * Keys come from the system's generator, never from the seed, which decides the split and who is poisoned.
 * Throws ProvisionError "folder-in-use", "bad-options". Cost: about 80 ms an account (sealing its keystore).
 */
export async function provisionNetwork(options: ProvisionOptions): Promise<Network> {
  checkOptions(options);
  const dir = resolve(options.dir);
  refuseUsed(dir);
  const { validators } = options;
  const ports = await freePorts(2 * validators);
  const nodes = numbered(validators, (index): NewNode => {
    const keys = newKeys('validator');
    return {
      name: `hospital-${index + 1}`,
      keys,
      rpcPort: ports[2 * index]!,
      p2pPort: ports[2 * index + 1]!,
    };
  });
  const devices = nodes.flatMap((node) =>
    numbered(options.devices, (index): NewDevice => {
      return { name: `${node.name}-device-${index + 1}`, hospital: node.name, keys: newKeys('other') };
    }),
  );
  const publisher = newKeys('other');
  const part = `${dir}.part-${process.pid}`;
  try {
    const genesis = genesisOf(options, nodes, devices, publisher);
    options.accept?.(genesis);
    mkdirSync(dirname(dir), { recursive: true });
    mkdirSync(part, { mode: 0o700 });
    writeJson(join(part, 'genesis.json'), genesis);
    const liars = attackersOf('validators', validators, options);
    for (const [index, node] of nodes.entries()) {
      const others = [...nodes.slice(index + 1), ...nodes.slice(0, index)];
      const liar = liars.includes(index)
        ? { name: 'false-verdicts' as const, fromRound: options.attack!.fromRound }
        : null;
      writeNode(join(part, 'nodes', node.name), node, others.map(placeOf), 'devices', liar);
      await breathe(options.signal);
    }
    await writeDevices(part, options, devices);
    writePublisher(part, options.data, publisher);
    writeJson(join(part, 'network.json'), networkOf(options.name, genesis, nodes, devices));
    refuseUsed(dir);
    if (existsSync(dir)) rmdirSync(dir); // still empty, or this fails
    renameSync(part, dir);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return openNetwork(dir);
}

function checkOptions({ validators, devices, data, attack }: ProvisionOptions): void {
  const problem = !isWhole(validators, 1, VALIDATORS_MAX)
    ? `validators: a whole number from 1 to ${VALIDATORS_MAX}`
    : !isWhole(devices, 1, DEVICES_MAX)
      ? `devices: a whole number from 1 to ${DEVICES_MAX} (each validator's)`
      : attack != null && !(attack.share >= 0 && attack.share <= 1)
        ? 'attack: a share from 0 to 1'
        : data.shards.length !== validators * devices
          ? `${data.shards.length} shards of data for ${validators * devices} devices`
          : null;
  if (problem !== null) throw new ProvisionError('bad-options', problem);
}

function refuseUsed(dir: string): void {
  const state = folderState(dir);
  if (state === 'free') return;
  const what = state === 'network' ? 'holds a network already' : 'is not empty and holds no network';
  throw new ProvisionError('folder-in-use', `${dir} ${what}: choose a fresh folder`);
}

function genesisOf(
  { name, time, members, capture }: ProvisionOptions,
  nodes: readonly NewNode[],
  devices: readonly NewDevice[],
  publisher: NewKeys,
): Genesis {
  const hex = (keys: NewKeys): string => bytesToHex(keys.publicKey);
  return {
    version: 1,
    name,
    time,
    params: {
      ...presets.local,
      members: members ?? presets.local.members,
      capture: capture ?? presets.local.capture,
    },
    accounts: [
      ...nodes.map((node) => ({
        publicKey: hex(node.keys),
        role: 'validator' as const,
        name: node.name,
        hospital: node.name,
        level: 0,
        vrfPublicKey: bytesToHex(node.keys.vrfPublicKey!),
      })),
      ...devices.map((device) => ({
        publicKey: hex(device.keys),
        role: 'device' as const,
        name: device.name,
        hospital: device.hospital,
        level: LOCAL_LEVEL,
        vrfPublicKey: null,
      })),
      {
        publicKey: hex(publisher),
        role: 'publisher' as const,
        name: 'publisher',
        hospital: '',
        level: LOCAL_LEVEL,
        vrfPublicKey: null,
        balance: LOCAL_BALANCE,
      },
    ],
    upgrades: [...newestFromStart],
  };
}

function networkOf(
  name: string,
  genesis: Genesis,
  nodes: readonly NewNode[],
  devices: readonly NewDevice[],
): NetworkFile {
  return {
    version: 1,
    name,
    chainId: bytesToHex(chainIdOf(genesisValue(genesis))),
    nodes: nodes.map(placeOf),
    publisher: { name: 'publisher', keystore: 'publisher/keystore.json' },
    devices: devices.map((device) => ({
      name: device.name,
      hospital: device.hospital,
      folder: deviceFolder(device),
    })),
  };
}

async function writeDevices(
  part: string,
  options: ProvisionOptions,
  devices: readonly NewDevice[],
): Promise<void> {
  const { data, epsilonMicro, deltaPico, attack } = options;
  const poisoned = attackersOf('devices', devices.length, options);
  for (const [index, device] of devices.entries()) {
    const folder = join(part, deviceFolder(device));
    makeFolder(folder);
    writeKeystore(folder, device.keys);
    writeTable(join(folder, 'data.csv'), data.shards[index]!);
    writeJson(join(folder, 'schema.json'), schemaJson(data.schema));
    const others = poisoned
      .filter((other) => other !== index)
      .map((other) => relative(deviceFolder(device), deviceFolder(devices[other]!)));
    const config: Omit<DeviceConfig, 'folder'> = {
      version: 1,
      name: device.name,
      data: 'data.csv',
      schema: 'schema.json',
      labels: null,
      // The whole table was looked at; what one shard of it lacks, the others have.
      allow: [...wholeFaults],
      ...(attack != null && attack.name !== 'colluding-verifiers' && poisoned.includes(index)
        ? { attack: attack.name, attackFromRound: attack.fromRound, accomplices: others }
        : { attack: null, attackFromRound: 1, accomplices: [] }),
      epsilonMicro,
      deltaPico,
    };
    writeJson(join(folder, 'device.json'), config);
    await breathe(options.signal);
  }
}

/** Who attacks, among so many devices or validators; the seed decides. */
function attackersOf(
  who: 'devices' | 'validators',
  count: number,
  { attack, seed }: Pick<ProvisionOptions, 'attack' | 'seed'>,
): readonly number[] {
  if (attack == null || (attack.name === 'colluding-verifiers') !== (who === 'validators')) return [];
  return choosePoisoned(count, attack.share, seedFor('poison', seed));
}

function writePublisher(part: string, data: PreparedData, keys: NewKeys): void {
  const folder = join(part, 'publisher');
  makeFolder(folder);
  writeKeystore(folder, keys);
  writeTable(join(folder, 'test.csv'), data.testTable);
  writeJson(join(folder, 'schema.json'), schemaJson(data.schema));
}

/** Sealing a keystore is 80 ms of computing: lets others have a turn, and stops if asked to. */
async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await immediate();
  signal?.throwIfAborted();
}

function deviceFolder({ hospital, name }: NewDevice): string {
  return `nodes/${hospital}/devices/${name}`;
}

function numbered<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}
