import { applicationsOf, contentCell, decodeContent, encodeContent } from '../../contracts/index.js';
import { bytesToHex, deriveHpkeKeys, drbg, type HpkeKeys, utf8ToBytes } from '../../crypto/index.js';
import { openTaskKey, sealContent, type TaskContent, wrapTaskKey } from '../../node/sealing/content.js';
import { type Call, createTestChain, type TestChain } from './chain.js';
import type { Person } from './genesis.js';

const random = drbg(utf8ToBytes('the gate'));

/** A key of a reader: entropy of its own each time. */
export const readerKeys = (): HpkeKeys => deriveHpkeKeys(random(32));

/** Two devices a hospital, all of level 1 but the second hospital's first, which is of level 2. */
export function twoLevels(): TestChain {
  return createTestChain({
    devicesEach: 2,
    adjust: (genesis) => ({
      ...genesis,
      accounts: genesis.accounts.map((account) =>
        account.name === 'hospital-2-device-1' ? { ...account, level: 2 } : account,
      ),
    }),
  });
}

export const secretText: TaskContent = {
  title: 'Retinopathy of the Meyer family',
  description: 'Patients of Dr. Okonkwo who were seen in Ward 7 in spring, with their mothers.',
};

export function sealFor(
  test: Pick<TestChain, 'chain'>,
  readers: readonly Uint8Array[],
  content = secretText,
): Uint8Array {
  const { chainId } = test.chain;
  const ikms = readers.map(() => random(32));
  return encodeContent(sealContent({ chainId, content, readers, taskKey: random(32), ikms })!);
}

/** A content task of level 1: two places, an hour for applications and one for the work. */
export const contentCall = (test: TestChain, content: Uint8Array, change: object = {}): Call => {
  const terms = { level: 1, places: 2, completion: 'publisher', reward: 0, ...change } as { level: number };
  const times = { applyMs: 3_600_000, workMs: 3_600_000 };
  const args = { ...times, ...terms, content };
  return { from: test.publisher, contract: 'tasks', method: 'publishContent', level: terms.level, args };
};

const about = (from: Person, method: string, args: object, level = 1): Call => ({
  from,
  contract: 'tasks',
  method,
  level,
  args: { task: 1, ...args },
});

export const askCall = (from: Person, key: Uint8Array, change: object = {}, level = 1): Call =>
  about(from, 'ask', { key, ...change }, level);

/** The publisher wraps the task key for the key that a provider applied with. */
export function admitCall(test: TestChain, own: HpkeKeys, provider: Person, task = 1): Call {
  const { chainId } = test.chain;
  const sealed = decodeContent(contentCell.get(test.state, task)!)!;
  const taskKey = openTaskKey(chainId, sealed, own)!;
  const id = bytesToHex(provider.publicKey);
  const asked = applicationsOf(test.state, task).find((one) => bytesToHex(one.provider) === id);
  const reader = asked?.key ?? own.publicKey;
  const wrap = wrapTaskKey({ chainId, ciphertext: sealed.ciphertext, taskKey, reader, ikm: random(32) })!;
  const { enc, wrapped } = wrap;
  return about(test.publisher, 'admit', { task, provider: provider.publicKey, enc, wrapped });
}

export const refuseCall = (test: TestChain, provider: Person, reason: string): Call =>
  about(test.publisher, 'refuse', { provider: provider.publicKey, reason });

export const withdrawCall = (from: Person, task = 1, level = 1): Call =>
  about(from, 'withdraw', { task }, level);

export const completeCall = (from: Person, providers: readonly Person[] = [], level = 1): Call =>
  about(from, 'complete', { providers: providers.map(({ publicKey }) => publicKey) }, level);
