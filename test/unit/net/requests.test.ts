import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesToHex, publicKeyOf, sha256, utf8ToBytes } from '../../../crypto/index.js';
import { FrameReader } from '../../../net/frame.js';
import {
  createLibp2pTransport,
  defaultNetLimits,
  type NetLimits,
  type ServeLimits,
  type Transport,
} from '../../../net/index.js';
import { createNode, type Node } from '../../../net/libp2pNode.js';
import { Collector, soon } from '../../compliance/deadline.js';

/** A transport and the bare libp2p node of a peer, which writes and reads frames by hand. */

const seed = (label: string) => sha256(utf8ToBytes(`requests/${label}`));
const chainId = sha256(utf8ToBytes('requests'));
const wireName = (protocol: string) => `/consilium/${bytesToHex(chainId)}/${protocol}`;
const peer = bytesToHex(publicKeyOf(seed('peer')));
const echoLimits: ServeLimits = { requestBytesMax: 100, concurrentMax: 2 };

const opened: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const node of opened.splice(0).reverse()) await node.stop();
});

interface Sent {
  readonly kind: number;
  readonly number: number;
  readonly text: string;
}

/** Kind, number, length, body: as a frame is written down. */
function frame(kind: number, number: number, body: string, length = body.length): Uint8Array {
  const bytes = new Uint8Array(9 + body.length);
  bytes[0] = kind;
  const view = new DataView(bytes.buffer);
  view.setUint32(1, number);
  view.setUint32(5, length);
  bytes.set(utf8ToBytes(body), 9);
  return bytes;
}

function framesOf(stream: Stream): Collector<Sent> {
  const frames = new Collector<Sent>();
  const reader = new FrameReader({
    onHead: () => {},
    onFrame: ({ kind, number, body }) =>
      frames.push({ kind, number, text: Buffer.from(body).toString('latin1') }),
  });
  stream.addEventListener('message', ({ data }) => reader.push([data.subarray()]));
  return frames;
}

function endOf(stream: Stream): Promise<string> {
  return soon(
    'the end of the stream',
    new Promise<string>((resolve) => {
      stream.addEventListener('close', () => resolve(stream.status));
    }),
  );
}

async function barePeer(): Promise<Node> {
  const node = await createNode({
    secret: seed('peer'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    limits: defaultNetLimits,
    gossipTopics: [],
    admits: () => true,
  });
  await node.start();
  opened.push(node);
  return node;
}

async function start(node: Node, limits: Partial<NetLimits> = {}) {
  const errors = new Collector<Error>();
  const transport = createLibp2pTransport({
    secret: seed('self'),
    chainId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    // The peer carries no gossip: its link must not be given up for that, which would end its streams too.
    limits: { oversizePoints: 100, linkSetupMs: 600_000, ...limits },
    onError: errors.push,
  });
  await transport.start();
  opened.push(transport);
  const addresses = node.getMultiaddrs().map((address) => address.toString());
  transport.setPeers([{ key: peer, addresses }]);
  return { transport, errors };
}

/** A peer that takes streams of a protocol; what it does with each is the test's. */
async function answering(protocol: string, limits: Partial<NetLimits> = {}) {
  const node = await barePeer();
  const streams = new Collector<{ readonly stream: Stream; readonly asked: Collector<Sent> }>();
  await node.handle(wireName(protocol), (stream) => streams.push({ stream, asked: framesOf(stream) }));
  const started = await start(node, limits);
  const ask = (text: string, timeoutMs = 20_000) =>
    started.transport
      .request(peer, protocol, utf8ToBytes(text), { timeoutMs, responseBytesMax: 100 })
      .then((body) => Buffer.from(body).toString('latin1'));
  return { ...started, streams, ask };
}

describe('requests to a peer', () => {
  it('share one stream, and may be answered in any order', async () => {
    const { streams, ask } = await answering('echo');
    const answers = Promise.all(['a', 'b', 'c'].map((text) => ask(text)));
    await streams.until('a stream', (values) => values.length === 1);
    const [{ stream, asked }] = streams.values as [(typeof streams.values)[number]];
    await asked.until('the requests', (values) => values.length === 3);
    for (const { kind, number, text } of asked.values.toReversed()) {
      expect(kind).toBe(0);
      stream.send(frame(1, number, text.toUpperCase()));
    }
    expect(await soon('the answers', answers)).toEqual(['A', 'B', 'C']);
    const next = ask('d');
    await asked.until('the next request', (values) => values.length === 4);
    // In pieces of one byte, as a link may cut it.
    for (const byte of frame(1, asked.values[3]!.number, 'D')) stream.send(Uint8Array.of(byte));
    expect(await soon('the next answer', next)).toBe('D');
    expect(streams.values.length).toBe(1);
  });

  it('go over a new stream after the peer has ended the old one, by reset or in order', async () => {
    const { streams, ask, errors } = await answering('echo');
    for (const [nth, end] of [
      (stream: Stream) => stream.abort(new Error('by the test')),
      (stream: Stream) => void stream.close(),
    ].entries()) {
      const lost = ask('lost');
      await streams.until('a stream', (values) => values.length === nth + 1);
      const { stream, asked } = streams.values[nth]!;
      await asked.until('the request', (values) => values.length === 1);
      end(stream);
      await expect(soon('the failure', lost)).rejects.toMatchObject({ code: 'closed' });
    }
    const answer = ask('kept');
    await streams.until('a stream', (values) => values.length === 3);
    const { stream, asked } = streams.values[2]!;
    await asked.until('the request', (values) => values.length === 1);
    stream.send(frame(1, asked.values[0]!.number, 'answer'));
    expect(await soon('the answer', answer)).toBe('answer');
    expect(errors.values).toEqual([]);
  });

  it.each([
    ['of an unknown kind', (number: number) => frame(9, number, ''), 'closed', 'answer of kind 9'],
    [
      'to no request',
      (number: number) => frame(1, number + 1, ''),
      'closed',
      'an answer that was not asked for',
    ],
    [
      'of more bytes than were asked for',
      (number: number) => frame(1, number, 'x', 4_294_967_295),
      'too-large',
      'frame of 4294967295 bytes, at most 100',
    ],
  ])('are answered by nobody any more who sends one %s', async (_, answer, code, reason) => {
    const { streams, ask, errors } = await answering('odd');
    const results = ['a', 'b'].map((text) => ask(text));
    for (const result of results) result.catch(() => {});
    await streams.until('a stream', (values) => values.length === 1);
    const { stream, asked } = streams.values[0]!;
    await asked.until('the requests', (values) => values.length === 2);
    const { number } = asked.values.find(({ text }) => text === 'b')!;
    stream.send(answer(number));
    await expect(soon('the answer', results[1]!)).rejects.toMatchObject({ code });
    await expect(soon('the other answer', results[0]!)).rejects.toMatchObject({ code: 'closed' });
    expect(errors.values.map((error) => error.message)).toEqual([
      `shut out ${peer}: odd response: ${reason}`,
    ]);
  });

  it('take one answer each: the second one shuts the peer out', async () => {
    const { streams, ask, errors } = await answering('odd');
    const answer = ask('a');
    await streams.until('a stream', (values) => values.length === 1);
    const { stream, asked } = streams.values[0]!;
    await asked.until('the request', (values) => values.length === 1);
    const { number } = asked.values[0]!;
    stream.send(frame(1, number, 'first'));
    expect(await soon('the answer', answer)).toBe('first');
    stream.send(frame(1, number, 'second'));
    await errors.until('the report', (values) => values.length === 1);
    expect(errors.values[0]!.message).toContain('an answer that was not asked for');
  });

  it('that are given up end the stream when nothing else is open, and no other request with it', async () => {
    const { streams, ask, errors } = await answering('slow');
    const kept = ask('kept');
    await streams.until('a stream', (values) => values.length === 1);
    const { stream, asked } = streams.values[0]!;
    await expect(ask('given up', 30)).rejects.toMatchObject({ code: 'timeout' });
    await asked.until('both requests', (values) => values.length === 2);
    const numberOf = (text: string) => asked.values.find((sent) => sent.text === text)!.number;
    // The late answer is not held against anybody.
    stream.send(frame(1, numberOf('given up'), 'late'));
    stream.send(frame(1, numberOf('kept'), 'in time'));
    expect(await soon('the answer', kept)).toBe('in time');
    const end = endOf(stream);
    await expect(ask('given up, alone', 30)).rejects.toMatchObject({ code: 'timeout' });
    expect(await end).toBe('reset');
    expect(errors.values).toEqual([]);
  });

  it('that are given up again and again end the stream', async () => {
    const { streams, ask } = await answering('slow', { requestsPerPeerMax: 2 });
    let failure: unknown = null;
    const kept = ask('kept').catch((error: unknown) => {
      failure = error;
    });
    await streams.until('a stream', (values) => values.length === 1);
    // On a busy machine one may be given up before it is on the stream: that one does not count.
    for (let nth = 0; failure === null && nth < 300; nth += 1) {
      await expect(ask('given up', 10)).rejects.toMatchObject({ code: 'timeout' });
    }
    expect(failure).toMatchObject({ code: 'closed' });
    await kept;
  });
});

describe('requests of a peer', () => {
  async function asking(
    serve: (transport: Transport) => void,
    limits: Partial<NetLimits> = {},
  ): Promise<{ readonly open: () => Promise<Stream>; readonly errors: Collector<Error> }> {
    const node = await barePeer();
    const { transport, errors } = await start(node, limits);
    serve(transport);
    const connection = await node.dial(multiaddr(transport.addresses()[0]!));
    return { open: () => connection.newStream(wireName('echo')), errors };
  }
  const echo = (transport: Transport) => transport.serve('echo', async (body) => body, echoLimits);

  it('are answered whole, however they are cut, each under its number', async () => {
    const { open } = await asking(echo);
    const stream = await open();
    const answers = framesOf(stream);
    stream.send(Buffer.concat([frame(0, 7, 'one'), frame(0, 9, 'two')]));
    await answers.until('two answers', (values) => values.length === 2);
    for (const byte of frame(0, 8, 'three')) stream.send(Uint8Array.of(byte));
    await answers.until('a third', (values) => values.length === 3);
    expect(answers.values).toEqual([
      { kind: 1, number: 7, text: 'one' },
      { kind: 1, number: 9, text: 'two' },
      { kind: 1, number: 8, text: 'three' },
    ]);
  });

  it('end the stream when one is no request, and blame nobody', async () => {
    const { open, errors } = await asking(echo);
    const stream = await open();
    const end = endOf(stream);
    stream.send(frame(1, 0, ''));
    expect(await end).toBe('reset');
    expect(errors.values).toEqual([]);
  });

  it('that are too large are told so, cost standing and end the stream', async () => {
    const { open, errors } = await asking(echo, { oversizePoints: 60 });
    const stream = await open();
    const answers = framesOf(stream);
    stream.send(frame(0, 3, 'x', 101));
    await answers.until('an answer', (values) => values.length === 1);
    expect(answers.values).toEqual([{ kind: 3, number: 3, text: '' }]);
    stream.send(new Uint8Array(9));
    const second = await open();
    second.send(frame(0, 3, 'x', 101));
    await errors.until('the report', (values) => values.length === 1);
    expect(errors.values.map((error) => error.message)).toEqual([
      `shut out ${peer}: echo: frame of 101 bytes, at most 100`,
    ]);
  });

  it('that never become whole end the stream after the time of a transfer', async () => {
    const { open } = await asking(echo, { transferTimeoutMs: 50 });
    const stream = await open();
    const end = endOf(stream);
    stream.send(frame(0, 0, 'half', 5));
    expect(await end).toBe('reset');
  });

  it('end the stream when more are open than any peer may have', async () => {
    const { open } = await asking(
      (transport) =>
        transport.serve('echo', () => new Promise(() => {}), { ...echoLimits, concurrentMax: 9 }),
      { requestsPerPeerMax: 2 },
    );
    const stream = await open();
    const end = endOf(stream);
    for (let number = 0; number < 4; number += 1) stream.send(frame(0, number, ''));
    const answers = framesOf(stream);
    expect(answers.values).toEqual([]);
    stream.send(frame(0, 4, ''));
    expect(await end).toBe('reset');
  });

  it('whose answers nobody takes are refused beyond their number, and end the stream in the end', async () => {
    const served: number[] = [];
    const { open } = await asking(
      (transport) =>
        transport.serve(
          'echo',
          async () => {
            served.push(1);
            return new Uint8Array(600_000);
          },
          echoLimits,
        ),
      { transferTimeoutMs: 300 },
    );
    const stream = await open();
    const end = endOf(stream);
    stream.pause();
    for (let number = 0; number < 8; number += 1) stream.send(frame(0, number, ''));
    expect(await end).toBe('reset');
    expect(served.length).toBe(2);
  });
});
