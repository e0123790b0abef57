import { describe, expect, it } from 'vitest';
import { readState, treeRoot } from '../../../chain/index.js';
import { nextCommittee } from '../../../consensus/index.js';
import { accountOf, balanceOf, newestProtocol, paramsCell } from '../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../crypto/index.js';
import { type Genesis, parseGenesis, startChain } from '../../../genesis/index.js';
import { testGenesis } from '../../support/genesis.js';

const { genesis } = testGenesis(4, 1);
const [validator, other] = genesis.accounts as [Genesis['accounts'][number], Genesis['accounts'][number]];
const device = genesis.accounts[4]!;

const text = (value: unknown) => JSON.stringify(value);
const withParams = (change: object) => text({ ...genesis, params: { ...genesis.params, ...change } });
const withCapture = (change: object) => withParams({ capture: { ...genesis.params.capture, ...change } });
const withAccounts = (accounts: unknown[]) => text({ ...genesis, accounts });
const withAccount = (index: number, change: object) =>
  withAccounts(genesis.accounts.map((account, i) => (i === index ? { ...account, ...change } : account)));
const without = (name: keyof Genesis) => {
  const { [name]: _, ...rest } = genesis;
  return text(rest);
};

describe('parseGenesis', () => {
  it('reads what it should', () => {
    expect(parseGenesis(text(genesis))).toEqual({ ok: true, genesis });
  });

  const bad: readonly [string, string, string][] = [
    ['nothing', '', 'not-json'],
    ['text that is not JSON', '{"version": 1,', 'not-json'],
    ['a list', '[]', 'shape'],
    ['null', 'null', 'shape'],
    ['no version', without('version'), 'shape'],
    ['another version', text({ ...genesis, version: 2 }), 'shape'],
    ['no params', without('params'), 'shape'],
    ['no accounts', without('accounts'), 'shape'],
    ['an unknown field', text({ ...genesis, extra: 1 }), 'shape'],
    ['an unknown parameter', withParams({ extra: 1 }), 'shape'],
    ['a missing parameter', withParams({ eraHeights: undefined }), 'shape'],
    ['eras without heights', withParams({ eraHeights: 0 }), 'shape'],
    ['half a height', withParams({ eraHeights: 1.5 }), 'shape'],
    ['more members than a committee may have', withParams({ members: 101 }), 'shape'],
    ['no expectation of the dishonest', withParams({ capture: undefined }), 'shape'],
    ['more dishonest than a chain has', withCapture({ dishonest: 1_001 }), 'shape'],
    ['a chain without heights', withCapture({ heights: 0 }), 'shape'],
    ['half a yes', withCapture({ allowUnsafe: 'yes' }), 'shape'],
    [
      'validators that start above their cap',
      withParams({ validatorReputation: { start: 3, cap: 2 } }),
      'shape',
    ],
    ['devices that start above their cap', withParams({ deviceReputation: { start: 3, cap: 2 } }), 'shape'],
    ['devices that start blacklisted', withParams({ deviceReputation: { start: 0, cap: 2 } }), 'shape'],
    [
      'a deadline above its cap',
      withParams({ agreement: { ...genesis.params.agreement, deadlineMs: 20_000 } }),
      'shape',
    ],
    ['a time that leaves no room', text({ ...genesis, time: Number.MAX_SAFE_INTEGER }), 'shape'],
    ['a negative time', text({ ...genesis, time: -1 }), 'shape'],
    ['minus zero', text(genesis).replace('"time":1700000000000', '"time":-0'), 'shape'],
    ['a name too long in bytes', text({ ...genesis, name: 'é'.repeat(64) }), 'shape'],
    ['an account name too long in bytes', withAccount(0, { name: 'é'.repeat(64) }), 'shape'],
    ['a hospital too long in bytes', withAccount(0, { hospital: 'é'.repeat(64) }), 'shape'],
    ['half a surrogate pair', withAccount(0, { name: '\ud800' }), 'shape'],
    ['an unknown role', withAccount(0, { role: 'auditor' }), 'shape'],
    ['a key in capitals', withAccount(0, { publicKey: validator.publicKey.toUpperCase() }), 'shape'],
    ['a short key', withAccount(0, { publicKey: validator.publicKey.slice(2) }), 'shape'],
    ['a key of small order', withAccount(0, { publicKey: `01${'00'.repeat(31)}` }), 'shape'],
    ['a VRF key of small order', withAccount(0, { vrfPublicKey: `01${'00'.repeat(31)}` }), 'shape'],
    ['a level out of range', withAccount(4, { level: 256 }), 'shape'],
    ['no accounts at all', withAccounts([]), 'shape'],
    ['two accounts with one key', withAccount(1, { publicKey: validator.publicKey }), 'duplicate'],
    ['two accounts with one name', withAccount(1, { name: validator.name }), 'duplicate'],
    [
      'two validators with one VRF key',
      withAccount(1, { vrfPublicKey: validator.vrfPublicKey }),
      'duplicate',
    ],
    ['no validators', withAccounts([device]), 'validators'],
    ['a validator without a VRF key', withAccount(0, { vrfPublicKey: null }), 'validators'],
    ['two validators in one hospital', withAccount(1, { hospital: validator.hospital }), 'validators'],
  ];
  it.each(bad)('refuses %s', (_, file, reason) => {
    const parsed = parseGenesis(file);
    expect(parsed).toMatchObject({ ok: false, reason });
    expect((parsed as { detail: string }).detail).not.toBe('');
  });
});

describe('startChain', () => {
  it('has one id for one content, whatever the order and the white space', () => {
    const id = bytesToHex(startChain(genesis).chainId);
    const reversed = Object.fromEntries(Object.entries(genesis).reverse());
    const shuffled = { ...reversed, accounts: [...genesis.accounts].reverse() };
    for (const file of [JSON.stringify(genesis, null, 4), text(reversed), text(shuffled)]) {
      const parsed = parseGenesis(file);
      const chain = startChain((parsed as { genesis: Genesis }).genesis);
      expect(bytesToHex(chain.chainId)).toBe(id);
      expect(treeRoot(chain.tip.state)).toEqual(treeRoot(startChain(genesis).tip.state));
    }
  });

  it('has another id for any other content', () => {
    const { params } = genesis;
    const numbers = (group: 'validatorReputation' | 'deviceReputation' | 'levels' | 'rates' | 'agreement') =>
      Object.keys(params[group]).map((name) => ({
        ...genesis,
        params: { ...params, [group]: { ...params[group], [name]: (params[group] as never)[name] + 1 } },
      }));
    const account = (change: object) => ({
      ...genesis,
      accounts: genesis.accounts.map((one, i) => (i === 0 ? { ...one, ...change } : one)),
    });
    const changed = [
      genesis,
      { ...genesis, name: 'another' },
      { ...genesis, time: genesis.time + 1 },
      { ...genesis, params: { ...params, eraHeights: params.eraHeights + 1 } },
      { ...genesis, params: { ...params, members: params.members - 1 } },
      ...[{ dishonest: 1 }, { heights: 1 }, { allowUnsafe: true }].map((change) => ({
        ...genesis,
        params: { ...params, capture: { ...params.capture, ...change } },
      })),
      ...numbers('validatorReputation'),
      ...numbers('deviceReputation'),
      ...numbers('levels'),
      ...numbers('rates'),
      ...numbers('agreement'),
      account({ name: 'another' }),
      account({ hospital: 'another' }),
      account({ level: 3 }),
      account({ area: 'icu' }),
      account({ role: 'device' }),
      account({ publicKey: other.vrfPublicKey }),
      account({ vrfPublicKey: other.publicKey }),
      { ...genesis, accounts: genesis.accounts.slice(0, -1) },
    ] as Genesis[];
    const ids = changed.map((one) => bytesToHex(startChain(one).chainId));
    expect(new Set(ids).size).toBe(changed.length);
    expect(changed.length).toBe(32);
  });

  it('takes upgrades that rise and that this software knows; they are not part of the chain id', () => {
    const faultOf = (upgrades: unknown) => {
      const parsed = parseGenesis(text({ ...genesis, upgrades }));
      return parsed.ok ? null : `${parsed.reason}: ${parsed.detail}`;
    };
    const { upgrades: _, ...without } = genesis;
    const parsed = parseGenesis(text(without));
    expect(parsed.ok && parsed.genesis.upgrades).toEqual([]);
    const unknown = newestProtocol + 1;
    expect(faultOf([{ height: 9, protocol: unknown }])).toMatch(
      new RegExp(`^upgrades: .*protocol ${unknown} begins at height 9.*newer version`),
    );
    expect(faultOf([{ height: 1, protocol: 2 }])).toBeNull();
    expect(faultOf([{ height: 0, protocol: 2 }])).toMatch(/^shape: upgrades.0.height/);
    expect(faultOf([{ height: 1, protocol: 1 }])).toMatch(/^shape: upgrades.0.protocol/);
    const planned = { ...genesis, upgrades: [{ height: 9, protocol: 2 }] };
    expect(startChain(planned).chainId).toEqual(startChain(genesis).chainId);
    const { rules } = startChain(planned);
    expect([1, 8, 9, 10].map((height) => rules.protocolAt(height))).toEqual([1, 1, 2, 2]);
    const falling = [
      { height: 9, protocol: 2 },
      { height: 9, protocol: 3 },
    ];
    expect(faultOf(falling)).toMatch(/^upgrades: /);
  });

  it('begins with its accounts, its parameters and a committee of all validators', () => {
    const chain = startChain(genesis);
    const state = readState(chain.tip.state);
    expect(paramsCell.get(state)).toEqual(genesis.params);
    for (const { publicKey, vrfPublicKey, balance = 0, ...account } of genesis.accounts) {
      const vrf = vrfPublicKey === null ? null : hexToBytes(vrfPublicKey);
      const key = hexToBytes(publicKey);
      const rest = { area: '', publicKey: key, keys: 1, status: 'active', changedHeight: 0 };
      expect(accountOf(state, key)).toEqual({ ...account, vrfPublicKey: vrf, ...rest });
      expect(balanceOf(state, key)).toBe(balance);
    }
    expect(accountOf(state, new Uint8Array(32))).toBeNull();
    expect(nextCommittee(chain.rules, chain.tip).length).toBe(4);
    expect(chain.tip).toMatchObject({ height: 0, hash: chain.chainId, seed: chain.chainId, committee: [] });
  });
});
