import { afterEach, describe, expect, it } from 'vitest';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import { NetError, type NetErrorCode, type Topic, type Transport } from '../../net/index.js';
import { Collector, soon } from './deadline.js';
import { addressBook, TestNetwork, type TransportKind } from './network.js';

const hello = utf8ToBytes('hello');
const echoLimits = { requestBytesMax: 1024, concurrentMax: 2 };

/** Collects what a node hears on a topic, as texts, accepting all of it. */
function listen(transport: Transport, topic: Topic = 'consensus'): Collector<string> {
  const heard = new Collector<string>();
  transport.onMessage(topic, (message, from) => {
    heard.push(`${bytesToHex(message)} ${from}`);
    return 'accept';
  });
  return heard;
}

async function codeOf(promise: Promise<unknown>): Promise<NetErrorCode | 'no error'> {
  try {
    await soon('a failure', promise);
    return 'no error';
  } catch (error) {
    if (error instanceof NetError) return error.code;
    throw error;
  }
}

function codeThrown(call: () => void): NetErrorCode | 'no error' {
  try {
    call();
    return 'no error';
  } catch (error) {
    if (error instanceof NetError) return error.code;
    throw error;
  }
}

/** What every transport does alike. */
export function describeTransport(kind: TransportKind): void {
  describe(kind.name, () => {
    let network: TestNetwork;
    afterEach(() => network.stop());

    describe('gossip', () => {
      it('takes a message to all others, once, and not to its publisher', async () => {
        network = new TestNetwork(kind);
        const transports = await network.connected('a', 'b', 'c', 'd');
        const heard = transports.map((transport) => listen(transport));
        transports[0]!.publish('consensus', hello);
        transports[0]!.publish('consensus', utf8ToBytes('second'));
        for (const collector of heard.slice(1)) {
          await collector.until('both messages', (values) => values.length >= 2);
          expect(collector.values.map((value) => value.split(' ')[0])).toEqual([
            bytesToHex(hello),
            bytesToHex(utf8ToBytes('second')),
          ]);
        }
        // Another's message comes after any copy of the own ones would have.
        transports[1]!.publish('consensus', utf8ToBytes('third'));
        await heard[0]!.until('the third message', (values) => values.length >= 1);
        // Whoever is quickest delivers it: its publisher, or a peer that passes it on.
        expect(heard[0]!.values.map((value) => value.split(' ')[0])).toEqual([
          bytesToHex(utf8ToBytes('third')),
        ]);
      });

      it('delivers the same bytes again when they are published again', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        const heard = listen(b!);
        for (let nth = 1; nth <= 3; nth += 1) {
          a!.publish('consensus', hello);
          await heard.until(`copy ${nth}`, (values) => values.length === nth);
        }
      });

      it('keeps topics apart', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        const transactions = listen(b!, 'transactions');
        const consensus = listen(b!, 'consensus');
        a!.publish('transactions', hello);
        a!.publish('consensus', utf8ToBytes('vote'));
        await transactions.until('the transaction', (values) => values.length >= 1);
        await consensus.until('the vote', (values) => values.length >= 1);
        expect(transactions.values).toEqual([`${bytesToHex(hello)} ${a!.self}`]);
        expect(consensus.values).toEqual([`${bytesToHex(utf8ToBytes('vote'))} ${a!.self}`]);
      });

      it('passes accepted messages on to peers that the publisher has no link to, and no others', async () => {
        network = new TestNetwork(kind);
        const [a, b, c] = await network.start('a', 'b', 'c');
        a!.setPeers(addressBook([b!]));
        b!.setPeers(addressBook([a!, c!]));
        c!.setPeers(addressBook([b!]));
        await network.allConnected([a!, b!]);
        await network.allConnected([b!, c!]);
        b!.onMessage('consensus', (bytes) => (bytes[0] === 1 ? 'ignore' : 'accept'));
        const heard = listen(c!);
        // Sent again, as agreement does: a gossip mesh that is still forming passes nothing on.
        const again = setInterval(() => {
          a!.publish('consensus', Uint8Array.of(1));
          a!.publish('consensus', Uint8Array.of(2));
        }, 20);
        await heard
          .until('accepted messages', (values) => values.length >= 3)
          .finally(() => clearInterval(again));
        expect(new Set(heard.values)).toEqual(new Set([`02 ${b!.self}`]));
      });

      it('carries a message of the largest size and refuses a larger one', async () => {
        network = new TestNetwork(kind, { messageBytesMax: 100_000 });
        const [a, b] = await network.connected('a', 'b');
        const heard = listen(b!);
        expect(codeThrown(() => a!.publish('consensus', new Uint8Array(100_001)))).toBe('message-too-large');
        a!.publish('consensus', new Uint8Array(100_000));
        await heard.until('the large message', (values) => values.length === 1);
        expect(heard.values[0]).toBe(`${'00'.repeat(100_000)} ${a!.self}`);
      });

      it('shuts out a peer that delivers messages over the bound', async () => {
        network = new TestNetwork(kind);
        const [a] = await network.start('a');
        const b = network.create('b', null, { messageBytesMax: 100, oversizePoints: 100 });
        await b.start();
        for (const transport of [a!, b]) transport.setPeers(addressBook([a!, b]));
        await network.allConnected([a!, b]);
        const heard = listen(b);
        a!.publish('consensus', new Uint8Array(100));
        await heard.until('the message', (values) => values.length === 1);
        a!.publish('consensus', new Uint8Array(101));
        await network.until('a to lose b', () => a!.connectedPeers().length === 0);
        expect(network.errors.values.map((error) => error.message)).toEqual([
          `shut out ${a!.self}: gossip message of 109 bytes`,
        ]);
        expect(heard.values.length).toBe(1);
      });

      it('refuses to queue more than its bound, and has room again once it was sent', async () => {
        network = new TestNetwork(kind, { outboundBytesMax: 10_000 });
        const [a, b] = await network.connected('a', 'b');
        const heard = listen(b!);
        let sent = 0;
        const code = codeThrown(() => {
          for (; sent < 100; sent += 1) a!.publish('consensus', new Uint8Array(1_000));
        });
        expect([code, sent]).toEqual(['queue-full', 9]);
        await heard.until('the queued messages', (values) => values.length === 9);
        a!.publish('consensus', hello);
        await heard.until('the next message', (values) => values.length === 10);
      });

      it('ignores messages of a peer whose earlier ones are still in the handler', async () => {
        network = new TestNetwork(kind, { inboundPendingMax: 2 });
        const [a, b] = await network.connected('a', 'b');
        const heard = new Collector<(verdict: 'accept') => void>();
        b!.onMessage('transactions', () => new Promise((resolve) => heard.push(resolve)));
        const votes = listen(b!);
        for (let nth = 0; nth < 5; nth += 1) a!.publish('transactions', Uint8Array.of(nth));
        // The vote comes after the transactions, to a handler that is free.
        a!.publish('consensus', hello);
        await votes.until('the vote', (values) => values.length === 1);
        expect(heard.values.length).toBe(2);
        for (const resolve of heard.values) resolve('accept');
        await new Promise((resolve) => setImmediate(resolve));
        a!.publish('transactions', hello);
        await heard.until('a third message', (values) => values.length === 3);
      });

      it('drops and counts what a peer sends above its rate, and shuts it out when it goes on', async () => {
        const burst = { inboundMessagesPerSecond: 0.001, inboundMessagesBurst: 3 };
        network = new TestNetwork(kind, { ...burst, ratePoints: 60, penaltyPointsMax: 100 });
        const [a, b, c] = await network.connected('a', 'b', 'c');
        const heard = listen(b!);
        for (let nth = 0; nth < 6; nth += 1) a!.publish('consensus', Uint8Array.of(nth));
        await heard.until('what the burst allows', (values) => values.length === 3);
        // What c sends is not held against it, and comes after what a sent too much.
        c!.publish('consensus', hello);
        await heard.until('c’s message', (values) => values.length === 4);
        const end = performance.now() + 20_000;
        for (let nth = 0; b!.connectedPeers().includes(a!.self) && performance.now() < end; nth += 1) {
          a!.publish('consensus', Uint8Array.of(nth));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect(b!.connectedPeers()).toEqual([c!.self]);
        expect(b!.refused().rate).toBeGreaterThan(3);
        expect(b!.refused()).toMatchObject({ oversize: 0, busy: 0 });
        expect(heard.values.length).toBe(4);
        expect(network.errors.values.map((error) => error.message)).toContain(
          `shut out ${a!.self}: too much gossip on consensus`,
        );
      });

      it('survives a handler that throws, and blames nobody', async () => {
        network = new TestNetwork(kind, { penaltyPointsMax: 1 });
        const [a, b] = await network.connected('a', 'b');
        const heard = new Collector<number>();
        b!.onMessage('consensus', (bytes) => {
          heard.push(bytes[0]!);
          if (bytes[0] === 1) throw new Error('handler bug');
          return 'accept';
        });
        a!.publish('consensus', Uint8Array.of(1));
        a!.publish('consensus', Uint8Array.of(2));
        await heard.until('both messages', (values) => values.length === 2);
        expect(network.errors.values.map((error) => error.message)).toEqual(['handler bug']);
        expect(b!.connectedPeers()).toEqual([a!.self]);
      });

      it('refuses to publish before start and after stop', async () => {
        network = new TestNetwork(kind);
        const transport = network.create('a');
        expect(codeThrown(() => transport.publish('consensus', hello))).toBe('closed');
        await transport.start();
        transport.publish('consensus', hello);
        await transport.stop();
        expect(codeThrown(() => transport.publish('consensus', hello))).toBe('closed');
      });
    });

    describe('requests', () => {
      it('answers a request with the handler’s response', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        b!.serve('echo', async (request, from) => utf8ToBytes(`${from}: ${request.length}`), echoLimits);
        const response = await soon('the answer', a!.request(b!.self, 'echo', new Uint8Array(1024)));
        expect(response).toEqual(utf8ToBytes(`${a!.self}: 1024`));
      });

      it('carries empty bodies, and large ones whole', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        const large = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 31) % 251);
        b!.serve('large', async (request) => (request.length === 0 ? large : new Uint8Array(0)), {
          requestBytesMax: large.length,
          concurrentMax: 1,
        });
        const answer = await soon('a large answer', a!.request(b!.self, 'large', new Uint8Array(0)));
        expect(bytesToHex(sha256(answer))).toBe(bytesToHex(sha256(large)));
        expect((await soon('an empty answer', a!.request(b!.self, 'large', large))).length).toBe(0);
      });

      it('refuses what nobody serves, and what the handler refuses or fails at', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        b!.serve(
          'fussy',
          async (request) => {
            if (request[0] === 0) throw new NetError('refused', 'not for you');
            throw new Error('handler bug');
          },
          echoLimits,
        );
        expect(await codeOf(a!.request(b!.self, 'nothing', hello))).toBe('refused');
        expect(await codeOf(a!.request(b!.self, 'fussy', Uint8Array.of(0)))).toBe('refused');
        expect(network.errors.values).toEqual([]);
        expect(await codeOf(a!.request(b!.self, 'fussy', Uint8Array.of(1)))).toBe('refused');
        expect(network.errors.values.map((error) => error.message)).toEqual(['handler bug']);
      });

      it('refuses requests and responses over their bounds, and takes standing for them', async () => {
        network = new TestNetwork(kind, { oversizePoints: 60, penaltyPointsMax: 100 });
        const [a, b] = await network.connected('a', 'b');
        b!.serve('echo', async () => new Uint8Array(2_000), echoLimits);
        expect(await codeOf(a!.request(b!.self, 'echo', new Uint8Array(1_025)))).toBe('too-large');
        expect(await codeOf(a!.request(b!.self, 'echo', hello, { responseBytesMax: 1_999 }))).toBe(
          'too-large',
        );
        expect(
          (await soon('an answer', a!.request(b!.self, 'echo', hello, { responseBytesMax: 2_000 }))).length,
        ).toBe(2_000);
        expect(network.errors.values).toEqual([]);
        await codeOf(a!.request(b!.self, 'echo', new Uint8Array(1_025)));
        await network.until('b to shut a out', () => !b!.connectedPeers().includes(a!.self));
        expect(network.errors.values.map((error) => error.message)).toEqual([
          `shut out ${a!.self}: echo: frame of 1025 bytes, at most 1024`.replace(
            'frame',
            kind.name === 'memory' ? 'request' : 'frame',
          ),
        ]);
      });

      it('gives up after the time-out', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        b!.serve('slow', () => new Promise(() => {}), echoLimits);
        expect(await codeOf(a!.request(b!.self, 'slow', hello, { timeoutMs: 30 }))).toBe('timeout');
      });

      it('refuses more requests of one peer at a time than the protocol allows', async () => {
        network = new TestNetwork(kind);
        const [a, b, c] = await network.connected('a', 'b', 'c');
        const running = new Collector<() => void>();
        b!.serve(
          'slow',
          (request) => new Promise((resolve) => running.push(() => resolve(request))),
          echoLimits,
        );
        const answers = [a!, a!, c!].map((transport) => transport.request(b!.self, 'slow', hello));
        await running.until('three requests', (values) => values.length === 3);
        expect(await codeOf(a!.request(b!.self, 'slow', hello))).toBe('refused');
        for (const finish of running.values) finish();
        expect(await soon('the answers', Promise.all(answers))).toEqual([hello, hello, hello]);
        const again = a!.request(b!.self, 'slow', hello);
        await running.until('a fourth request', (values) => values.length === 4);
        running.values[3]!();
        expect(await soon('the fourth answer', again)).toEqual(hello);
      });

      it('bounds the requests that are open to one peer', async () => {
        network = new TestNetwork(kind, { requestsPerPeerMax: 2 });
        const [a, b] = await network.connected('a', 'b');
        b!.serve('slow', () => new Promise(() => {}), echoLimits);
        const open = [1, 2].map(() => codeOf(a!.request(b!.self, 'slow', hello)));
        expect(await codeOf(a!.request(b!.self, 'slow', hello))).toBe('queue-full');
        await a!.stop();
        expect(await Promise.all(open)).toEqual(['closed', 'closed']);
      });

      it('fails with "unreachable" when nobody is there, "closed" when the peer goes away', async () => {
        network = new TestNetwork(kind);
        const [a, b, c] = await network.connected('a', 'b', 'c');
        const running = new Collector<Uint8Array>();
        b!.serve(
          'slow',
          (request) => {
            running.push(request);
            return new Promise(() => {});
          },
          echoLimits,
        );
        const open = codeOf(a!.request(b!.self, 'slow', hello));
        await running.until('the request', (values) => values.length === 1);
        await b!.stop();
        expect(await open).toBe('closed');
        expect(await codeOf(a!.request(b!.self, 'slow', hello))).toBe('unreachable');
        await c!.stop();
        expect(await codeOf(c!.request(a!.self, 'slow', hello))).toBe('closed');
      });
    });

    describe('who may connect', () => {
      it('has no link to a key that only one side lists, and answers it nothing', async () => {
        network = new TestNetwork(kind);
        const [a, b, stranger] = await network.start('a', 'b', 'stranger');
        const everybody = addressBook([a!, b!, stranger!]);
        stranger!.setPeers(everybody);
        a!.setPeers(addressBook([a!, b!]));
        b!.setPeers(addressBook([a!, b!]));
        const heard = listen(a!);
        a!.serve('echo', async (request) => request, echoLimits);
        await network.allConnected([a!, b!]);
        expect(['unreachable', 'closed']).toContain(await codeOf(stranger!.request(a!.self, 'echo', hello)));
        expect(await codeOf(a!.request(stranger!.self, 'echo', hello))).toBe('refused');
        stranger!.publish('consensus', utf8ToBytes('stranger'));
        b!.publish('consensus', hello);
        await heard.until('b’s message', (values) => values.length >= 1);
        expect(heard.values).toEqual([`${bytesToHex(hello)} ${b!.self}`]);
        expect(a!.connectedPeers()).toEqual([b!.self]);
        expect(stranger!.connectedPeers()).toEqual([]);
        // Once listed, the same key gets in: it was the list that kept it out.
        a!.setPeers(everybody);
        b!.setPeers(everybody);
        await network.allConnected([a!, b!, stranger!]);
        expect(await soon('an answer', stranger!.request(a!.self, 'echo', hello))).toEqual(hello);
      });

      it('disconnects a key that leaves the list', async () => {
        network = new TestNetwork(kind);
        const [a, b, c] = await network.connected('a', 'b', 'c');
        a!.setPeers(addressBook([b!]));
        await network.until('a to lose c', () => a!.connectedPeers().length === 1);
        await network.until('c to lose a', () => !c!.connectedPeers().includes(a!.self));
        expect(a!.connectedPeers()).toEqual([b!.self]);
        expect([...b!.connectedPeers()].sort()).toEqual([a!.self, c!.self].sort());
      });

      it('refuses a list with a bad key, a bad address or too many peers, and keeps the old one', async () => {
        network = new TestNetwork(kind, { peersMax: 3 });
        const [a, b] = await network.connected('a', 'b');
        const good = { key: b!.self, addresses: b!.addresses() };
        const setting = (...peers: { key: string; addresses: readonly string[] }[]) =>
          codeThrown(() => a!.setPeers(peers));
        expect(setting({ key: b!.self.toUpperCase(), addresses: [] })).toBe('invalid-peer');
        expect(setting({ key: b!.self.slice(2), addresses: [] })).toBe('invalid-peer');
        expect(setting({ key: b!.self, addresses: ['nowhere'] })).toBe('invalid-address');
        expect(setting({ key: TestNetwork.key('c'), addresses: b!.addresses() })).toBe('invalid-address');
        expect(setting(good, good, good, good)).toBe('invalid-peer');
        expect(a!.connectedPeers()).toEqual([b!.self]);
        b!.serve('echo', async (request) => request, echoLimits);
        expect(await soon('an answer', a!.request(b!.self, 'echo', hello))).toEqual(hello);
      });

      it('finds a peer again that restarts with the same key on the same address', async () => {
        network = new TestNetwork(kind);
        const [a, b] = await network.connected('a', 'b');
        const heard = listen(a!);
        const address = b!.addresses();
        await b!.stop();
        await network.until('a to lose b', () => a!.connectedPeers().length === 0);
        const again = network.create('b', address);
        // The restarted one knows no address: it is a that finds it.
        again.setPeers([{ key: a!.self, addresses: [] }]);
        await again.start();
        expect(again.addresses()).toEqual(address);
        await network.allConnected([a!, again]);
        again.publish('consensus', hello);
        await heard.until('the message', (values) => values.length === 1);
      });

      it('refuses to listen where another node does', async () => {
        network = new TestNetwork(kind);
        const [a] = await network.start('a');
        const second = network.create('a', a!.addresses());
        expect(await codeOf(second.start())).toBe('listen-failed');
      });

      it('shuts out a peer whose standing is used up, and lets it back in after a while', async () => {
        network = new TestNetwork(kind, { banMs: 200, rejectPoints: 40, penaltyDecayPerSecond: 0 });
        const [a, b] = await network.connected('a', 'b');
        let verdict: 'reject' | 'accept' = 'reject';
        const heard = new Collector<Uint8Array>();
        b!.onMessage('consensus', (bytes) => {
          heard.push(bytes);
          return verdict;
        });
        a!.publish('consensus', hello);
        a!.publish('consensus', hello);
        await heard.until('two messages', (values) => values.length === 2);
        expect(b!.connectedPeers()).toEqual([a!.self]);
        a!.publish('consensus', hello);
        await network.errors.until('the report', (values) => values.length === 1);
        expect(network.errors.values[0]!.message).toBe(`shut out ${a!.self}: rejected message on consensus`);
        expect(await codeOf(b!.request(a!.self, 'echo', hello))).toBe('refused');
        await network.until('a to lose b', () => a!.connectedPeers().length === 0);
        verdict = 'accept';
        await network.allConnected([a!, b!]);
      });
    });
  });
}
