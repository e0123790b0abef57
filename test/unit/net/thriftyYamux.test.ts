import type { Stream } from '@libp2p/interface';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';
import { defaultNetLimits } from '../../../net/index.js';
import { createNode, type Node } from '../../../net/libp2pNode.js';
import { tellLate } from '../../../net/thriftyYamux.js';

const OPENING = 1;
const ESTABLISHED = 3;

function stream(state: number, left: number) {
  const made = { state, recvWindow: 1_000, recvWindowCapacity: left, told: 0, sendWindowUpdate: () => {} };
  made.sendWindowUpdate = function (this: typeof made) {
    this.told += 1;
  };
  const late = tellLate(made);
  late.sendWindowUpdate();
  return made.told;
}

describe('the window of a stream', () => {
  it('is told of when half of it is used, and not before', () => {
    expect(stream(ESTABLISHED, 1_000)).toBe(0);
    expect(stream(ESTABLISHED, 501)).toBe(0);
    expect(stream(ESTABLISHED, 500)).toBe(1);
    expect(stream(ESTABLISHED, 0)).toBe(1);
  });

  it('goes with what opens a stream, however much is left', () => {
    expect(stream(OPENING, 1_000)).toBe(1);
  });

  it('is that of Yamux: other streams stay as they are', () => {
    const other = { send: () => 7 };
    expect(tellLate(other)).toBe(other);
    expect(other.send()).toBe(7);
  });
});

describe('streams between two nodes', () => {
  const opened: Node[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((node) => node.stop())));

  const start = async (name: string): Promise<Node> => {
    const node = await createNode({
      secret: sha256(utf8ToBytes(`thrifty/${name}`)),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      limits: defaultNetLimits,
      gossipTopics: [],
      admits: () => true,
    });
    opened.push(node);
    await node.start();
    return node;
  };

  it('tell late, whoever opened them', async () => {
    const [one, other] = [await start('one'), await start('other')];
    const taken = new Promise<Stream>((resolve) => void other.handle('/thrifty/1', resolve));
    const own = await one.dialProtocol(other.getMultiaddrs(), '/thrifty/1');
    for (const each of [own, await taken]) expect(Object.hasOwn(each, 'sendWindowUpdate')).toBe(true);
  });
});
