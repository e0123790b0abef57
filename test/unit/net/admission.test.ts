import { expect, it } from 'vitest';
import { AllowList } from '../../../net/allowList.js';
import { GossipInbox, NONCE_BYTES } from '../../../net/gossipInbox.js';
import { defaultNetLimits } from '../../../net/index.js';
import { type Answer, answerKinds, RequestDesk } from '../../../net/requestDesk.js';

/** What is still on its way when a peer leaves the list must not be taken in any more, link or no link. */

const [self, peer] = ['0', 'a'].map((digit) => digit.repeat(64)) as [string, string];

function setUp() {
  const allowList = new AllowList(self, defaultNetLimits);
  allowList.replace([{ key: peer, addresses: [] }]);
  const fail = (error: unknown) => {
    throw error;
  };
  return { allowList, limits: defaultNetLimits, penalize: fail, onError: fail };
}

it('GossipInbox: takes no message of a peer that left the list', async () => {
  const options = setUp();
  const inbox = new GossipInbox(options);
  let heard = 0;
  inbox.on('consensus', () => {
    heard += 1;
    return 'accept';
  });
  expect(await inbox.deliver('consensus', new Uint8Array(NONCE_BYTES + 1), peer)).toBe('accept');
  options.allowList.replace([]);
  expect(await inbox.deliver('consensus', new Uint8Array(NONCE_BYTES + 1), peer)).toBe('ignore');
  expect(heard).toBe(1);
});

it('RequestDesk: refuses the request of a peer that left the list while it arrived', async () => {
  const options = setUp();
  const desk = new RequestDesk(options);
  let served = 0;
  desk.serve(
    'echo',
    async (request) => {
      served += 1;
      return request;
    },
    { requestBytesMax: 1, concurrentMax: 1 },
  );
  const kinds: Answer['kind'][] = [];
  const ask = (whileArriving: () => void) =>
    desk.answer(
      'echo',
      peer,
      async () => {
        whileArriving();
        return new Uint8Array(1);
      },
      async ({ kind }) => void kinds.push(kind),
    );
  await ask(() => {});
  await ask(() => options.allowList.replace([]));
  expect([kinds, served]).toEqual([[answerKinds.ok, answerKinds.refused], 1]);
});
