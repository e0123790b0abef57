import { z } from 'zod';
import { hexToBytes } from '../../crypto/index.js';
import { hex32, multiaddr, name, path, port, rpcUrl } from '../config.js';
import { READY_BEHIND_HEIGHTS } from '../health.js';
import { logLevels } from '../log.js';

/** From genesis, unless told otherwise. */
export const joins = ['genesis', 'snapshot'] as const;

const KNOWN_BLOCK = /^([1-9]\d{0,14}):([0-9a-f]{64})$/;
/** HEIGHT:HASH. */
const knownBlock = z.string().regex(KNOWN_BLOCK, 'a trusted block is HEIGHT:HASH, the hash in 64 hex digits');

/** What HEIGHT:HASH names; null: it is no such text. */
export function readKnownBlock(text: string): { readonly height: number; readonly hash: Uint8Array } | null {
  const found = KNOWN_BLOCK.exec(text);
  return found === null ? null : { height: Number(found[1]), hash: hexToBytes(found[2]!) };
}

const hostName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$/,
    'a host name has lower-case letters, digits, dots and dashes',
  );

/** What `config explain` and the reference say of a setting, beside its type and bounds. */
interface Said {
  readonly description: string;
  readonly unit?: string;
  /** Relative ones start at the folder of the file that they stand in, or at the working directory. */
  readonly isPath?: true;
  /** Only by file: for demonstrations and tests. */
  readonly onlyFile?: true;
}

const said = <T extends z.ZodType>(schema: T, about: Said): T => schema.meta({ ...about }) as T;

/**
 * The configuration of one validator, by file (DIR/nodes/NAME/config.json), environment and flags: this is the one
 * place that says which settings there are. Relative paths start at the file's folder.
 */
export const nodeConfigSchema = z.strictObject({
  version: z.literal(1),
  name: said(name, { description: 'what the node calls itself in its status and its ready line' }),
  genesis: said(path, { description: 'the genesis file of the chain', isPath: true }),
  chainId: said(hex32.optional(), {
    description: 'the chain id that the genesis file must have; the node does not start on another',
  }),
  dataDir: said(path, { description: 'the chain folder', isPath: true }),
  keystore: said(path, { description: 'sealed secrets sign and vrf', isPath: true }),
  passwordFile: said(path, {
    description: 'the file whose first line opens the keystore',
    isPath: true,
  }),
  listen: said(z.array(multiaddr).min(1).max(16), {
    description: 'addresses on which other validators reach this one',
  }),
  rpc: z.strictObject({
    host: said(z.string().min(1).max(255), {
      description: 'the address that RPC, metrics and probes listen on; there is no log-in and no encryption',
    }),
    port: said(port, { description: 'their TCP port' }),
    allowedHosts: said(z.array(hostName).max(16).default([]), {
      description: 'names, beside addresses and localhost, by which callers may name this node',
    }),
  }),
  peers: said(
    z.array(z.strictObject({ publicKey: hex32, addresses: z.array(multiaddr).min(1).max(16) })).max(1_000),
    { description: 'other validators and where they listen' },
  ),
  devicesDir: said(path.nullable(), {
    description: 'holds one folder for each device that this node hosts; none: it hosts none',
    isPath: true,
  }),
  deviceNodes: said(z.array(rpcUrl).max(1_000), {
    description: 'RPC addresses that hosted devices submit to, the own node first',
  }),
  trainerThreads: said(z.number().int().min(1).max(64), {
    description: 'threads in which hosted devices train',
    unit: 'threads',
  }),
  attack: said(
    z
      .strictObject({ name: z.literal('false-verdicts'), fromRound: z.number().int().min(1).max(1_000_000) })
      .nullable()
      .default(null),
    {
      description: 'for demonstrations and tests: a colluding verifier that proposes false verdicts',
      onlyFile: true,
    },
  ),
  join: said(z.enum(joins).optional(), {
    description: 'how a node without a block gets the chain: every block from genesis, or a recent snapshot',
  }),
  trust: said(knownBlock.optional(), {
    description: 'a block that is known to be of the chain, HEIGHT:HASH, for joining by a snapshot',
  }),
  retention: said(z.enum(['all', 'window']).default('all'), {
    description: 'payloads stay for good (an archive), or within their tasks’ audit window',
  }),
  blockSpacingMs: said(z.number().int().min(0).max(10_000).default(50), {
    description:
      'blocks begin so far apart at the least; more saves processor time, less makes waits shorter',
    unit: 'ms',
  }),
  logLevel: said(z.enum(logLevels).default('info'), { description: 'the least level that is logged' }),
  readyBehindHeights: said(z.number().int().min(0).max(1_000_000).default(READY_BEHIND_HEIGHTS), {
    description: '/readyz says no while the node is further behind the others than this',
    unit: 'heights',
  }),
});
/** As a node runs with it: every path is absolute. */
export type NodeConfig = Readonly<z.infer<typeof nodeConfigSchema>>;
/** As it stands in a file: what has a default may be left out. */
export type NodeConfigFile = Readonly<z.input<typeof nodeConfigSchema>>;
