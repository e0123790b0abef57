import { z } from 'zod';
import {
  bytes,
  DecodeError,
  encode,
  type Infer,
  integer,
  limits,
  list,
  PROTOCOL_MAX,
  struct,
  tagged,
  text,
  uint,
} from '../chain/index.js';
import { BLOCK_TIME_MAX, MEMBERS_MAX } from '../consensus/index.js';
import {
  ACCOUNTS_MAX,
  genesisAccountCodec,
  PLANNED_HEIGHTS_MAX,
  paramsCodec,
  protocols,
  RATE_MAX,
  SUPPLY_MAX,
} from '../contracts/index.js';
import { compareBytes, hexToBytes, isPublicKey, sha256 } from '../crypto/index.js';

const key = z.string().regex(/^[0-9a-f]{64}$/, 'a public key is 64 hex digits');
const count = (min: number, max: number) => z.number().int().min(min).max(max);

/** Leaves room for a chain's life below the latest time of a block. */
const GENESIS_TIME_MAX = BLOCK_TIME_MAX / 2;

/** Upgrades in a chain's life. */
const UPGRADES_MAX = 256;

const reputationSchema = z.strictObject({ start: count(1, 10_000), cap: count(1, 10_000) });

/** The genesis file, as people read and write it: no other field is known. What each means stands in `genesisFields`. */
export const genesisSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(64),
  time: count(0, GENESIS_TIME_MAX),
  params: z.strictObject({
    eraHeights: count(1, 1_000_000),
    members: count(1, MEMBERS_MAX),
    capture: z.strictObject({
      dishonest: count(0, limits.membersMax).nullable(),
      heights: count(1, PLANNED_HEIGHTS_MAX),
      allowUnsafe: z.boolean(),
    }),
    validatorReputation: reputationSchema,
    deviceReputation: reputationSchema,
    levels: z.strictObject({
      highest: count(1, limits.levelMax),
      admitted: count(0, limits.levelMax),
      perEra: count(1, limits.levelMax),
      completions: count(0, 10_000),
    }),
    rates: z.strictObject({ perEra: count(1, RATE_MAX), protocolPerHeight: count(1, RATE_MAX) }),
    agreement: z.strictObject({
      deadlineMs: count(50, 600_000),
      deadlineDoublingsMax: count(0, 16),
      deadlineCapMs: count(50, 3_600_000),
      filterMs: count(1, 60_000),
      heartbeatMs: count(100, 3_600_000),
      clockDriftMs: count(1, 600_000),
    }),
  }),
  /**
   * From which height on the chain is executed by a later version of the rules. Not part of the chain id: a line
   * is added when the consortium has agreed on an upgrade, by everybody and before that height. One for height 1 is
   * there from the beginning.
   */
  upgrades: z
    .array(z.strictObject({ height: count(1, Number.MAX_SAFE_INTEGER), protocol: count(2, PROTOCOL_MAX) }))
    .max(UPGRADES_MAX)
    .default([]),
  accounts: z
    .array(
      z.strictObject({
        publicKey: key,
        role: z.enum(['validator', 'device', 'provider', 'publisher']),
        name: z.string().min(1).max(64),
        hospital: z.string().max(64),
        level: count(0, limits.levelMax),
        area: z.string().max(64).optional(),
        vrfPublicKey: key.nullable(),
        balance: count(0, SUPPLY_MAX).optional(),
      }),
    )
    .min(1)
    .max(ACCOUNTS_MAX),
});
export type Genesis = z.infer<typeof genesisSchema>;

const genesisCodec = tagged('consilium/genesis', 1, {
  name: text(64),
  time: integer(0, GENESIS_TIME_MAX),
  params: paramsCodec,
  accounts: list(struct({ publicKey: bytes(32), account: genesisAccountCodec, balance: uint }), ACCOUNTS_MAX),
});
export type GenesisValue = Omit<Infer<typeof genesisCodec>, 'chainId'>;

export type GenesisFault = 'not-json' | 'shape' | 'validators' | 'duplicate' | 'supply' | 'upgrades';

/**
 * Reads a genesis file's text. What is hashed is the canonical form of its content, never the text, so white
 * space and the order of keys and accounts are free.
 */
export function parseGenesis(
  textOfFile: string,
):
  | { readonly ok: true; readonly genesis: Genesis }
  | { readonly ok: false; readonly reason: GenesisFault; readonly detail: string } {
  let json: unknown;
  try {
    json = JSON.parse(textOfFile);
  } catch (error) {
    return { ok: false, reason: 'not-json', detail: (error as Error).message };
  }
  const parsed = genesisSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return { ok: false, reason: 'shape', detail: `${issue.path.join('.') || '(top)'}: ${issue.message}` };
  }
  const genesis = parsed.data;
  return checkParams(genesis) ?? checkUpgrades(genesis) ?? checkAccounts(genesis) ?? checkCodec(genesis);
}

/** The content of a genesis file with keys as bytes and accounts sorted by key. */
export function genesisValue(genesis: Genesis): GenesisValue {
  const accounts = genesis.accounts
    .map(({ publicKey, vrfPublicKey, area = '', balance = 0, ...account }) => ({
      publicKey: hexToBytes(publicKey),
      balance,
      account: { ...account, area, vrfPublicKey: vrfPublicKey === null ? null : hexToBytes(vrfPublicKey) },
    }))
    .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
  return { name: genesis.name, time: genesis.time, params: genesis.params, accounts };
}

/** The chain id: SHA-256 of the canonical bytes of the genesis. It is the first seed as well. */
export function chainIdOf(value: GenesisValue): Uint8Array {
  return sha256(encode(genesisCodec, { ...value, chainId: new Uint8Array(32) }));
}

type Fault = Extract<ReturnType<typeof parseGenesis>, { readonly ok: false }>;

function checkParams({ params }: Genesis): Fault | null {
  const { validatorReputation, deviceReputation, agreement, levels } = params;
  if (validatorReputation.start > validatorReputation.cap || deviceReputation.start > deviceReputation.cap) {
    return { ok: false, reason: 'shape', detail: 'params: a reputation starts above its cap' };
  }
  if (levels.admitted > levels.highest) {
    return { ok: false, reason: 'shape', detail: 'params.levels: admitted is above highest' };
  }
  if (agreement.deadlineMs > agreement.deadlineCapMs) {
    return { ok: false, reason: 'shape', detail: 'params.agreement: deadlineMs is above deadlineCapMs' };
  }
  return null;
}

function checkUpgrades({ upgrades }: Genesis): Fault | null {
  const fault = (detail: string): Fault => ({ ok: false, reason: 'upgrades', detail });
  for (const [i, { height, protocol }] of upgrades.entries()) {
    const before = upgrades[i - 1] ?? { height: 0, protocol: 1 };
    if (height <= before.height || protocol <= before.protocol) {
      return fault(`upgrades: entry ${i + 1} must be above the one before in height and in protocol`);
    }
    if (!protocols.has(protocol)) {
      const known = Math.max(...protocols.keys());
      return fault(
        `upgrades: protocol ${protocol} begins at height ${height}, and this software knows protocols up to ` +
          `${known}: install a newer version`,
      );
    }
  }
  return null;
}

function checkAccounts(genesis: Genesis): Fault | null {
  const keys = new Set(genesis.accounts.map(({ publicKey }) => publicKey));
  if (keys.size !== genesis.accounts.length) {
    return { ok: false, reason: 'duplicate', detail: 'accounts: two accounts have one public key' };
  }
  const names = new Set(genesis.accounts.map(({ name }) => name));
  if (names.size !== genesis.accounts.length) {
    return { ok: false, reason: 'duplicate', detail: 'accounts: two accounts have one name' };
  }
  const { highest } = genesis.params.levels;
  const above = genesis.accounts.find(({ level }) => level > highest);
  if (above !== undefined) {
    const detail = `accounts: ${above.name} is of level ${above.level}, and params.levels.highest is ${highest}`;
    return { ok: false, reason: 'shape', detail };
  }
  const stray = genesis.accounts.find(
    ({ publicKey, vrfPublicKey }) => !isKey(publicKey) || (vrfPublicKey !== null && !isKey(vrfPublicKey)),
  );
  if (stray !== undefined) {
    return {
      ok: false,
      reason: 'shape',
      detail: `accounts: a key of ${stray.name} is no point of the curve`,
    };
  }
  return checkSupply(genesis) ?? checkValidators(genesis);
}

/** Every sum of tokens stays a whole number that is exact. */
function checkSupply({ accounts }: Genesis): Fault | null {
  const supply = accounts.reduce((sum, { balance = 0 }) => sum + BigInt(balance), 0n);
  if (supply <= BigInt(SUPPLY_MAX)) return null;
  return { ok: false, reason: 'supply', detail: `accounts: balances add up to more than ${SUPPLY_MAX}` };
}

function checkValidators(genesis: Genesis): Fault | null {
  const validators = genesis.accounts.filter(({ role }) => role === 'validator');
  if (validators.length === 0 || validators.length > limits.membersMax) {
    return {
      ok: false,
      reason: 'validators',
      detail: `accounts: 1 to ${limits.membersMax} validators are needed`,
    };
  }
  if (validators.some(({ vrfPublicKey }) => vrfPublicKey === null)) {
    return { ok: false, reason: 'validators', detail: 'accounts: every validator needs a vrfPublicKey' };
  }
  if (new Set(validators.map(({ vrfPublicKey }) => vrfPublicKey)).size !== validators.length) {
    return { ok: false, reason: 'duplicate', detail: 'accounts: two validators have one vrfPublicKey' };
  }
  const hospitals = new Set(validators.map(({ hospital }) => hospital));
  if (hospitals.size !== validators.length) {
    return { ok: false, reason: 'validators', detail: 'accounts: a hospital runs one validator' };
  }
  return null;
}

function isKey(hex: string): boolean {
  return isPublicKey(hexToBytes(hex));
}

/** What the form allows and the codec doesn't: text that is too long in bytes or not well formed, minus zero. */
function checkCodec(genesis: Genesis): ReturnType<typeof parseGenesis> {
  try {
    chainIdOf(genesisValue(genesis));
    return { ok: true, genesis };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, reason: 'shape', detail: error.message };
    throw error;
  }
}
