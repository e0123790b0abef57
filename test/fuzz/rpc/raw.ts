import { rpcLimits } from '../../../node/rpc/index.js';
import type { Random } from '../../sim/random.js';

/** Bytes for a socket, in pieces, and how the sender behaves after them. */
export interface RawAttack {
  readonly kind: string;
  readonly pieces: readonly Buffer[];
  /** `listen`: until the node has answered and closed, or 100 ms of silence; `leave`: cut at once; `hold`: never closed by the sender. */
  readonly then: 'listen' | 'leave' | 'hold';
}

const BODY = '{"jsonrpc":"2.0","id":1,"method":"chain.status","params":{}}';

/** What no HTTP library would send. `host`: how the node is called. */
export function nextRaw(host: string, random: Random): RawAttack {
  const make = random.pick([
    halfOpen,
    slowBody,
    headerAbuse,
    lengths,
    pathAbuse,
    pipelined,
    noise,
    brokenUpgrade,
    brokenFrames,
    longFrame,
  ]);
  return make(host, random);
}

const head = (host: string, lines: readonly string[] = [], first = 'POST / HTTP/1.1') =>
  `${[first, `host: ${host}`, ...lines].join('\r\n')}\r\n\r\n`;
const json = 'content-type: application/json';
const attack = (
  kind: string,
  then: RawAttack['then'],
  ...pieces: readonly (string | Buffer)[]
): RawAttack => ({
  kind,
  then,
  pieces: pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)),
});

/** A connection on which nothing, or half a head, ever comes. */
function halfOpen(host: string, random: Random): RawAttack {
  const whole = head(host, [json, 'content-length: 60']);
  const said = whole.slice(0, random.pick([0, 1, 16, whole.length - 2]));
  return attack('half-open', random.chance(20) ? 'hold' : 'leave', said);
}

/** A body that comes in drops and breaks off. */
function slowBody(host: string, random: Random): RawAttack {
  const pieces = Array.from({ length: random.between(1, 8) }, () => BODY.slice(0, random.between(1, 20)));
  return attack('slow body', 'leave', head(host, [json, 'content-length: 100000']), ...pieces);
}

function headerAbuse(host: string, random: Random): RawAttack {
  const length = `content-length: ${BODY.length}`;
  const lines = random.pick<() => string[]>([
    () => [json, length, `x: ${'a'.repeat(random.pick([8_000, 17_000, 100_000]))}`],
    () => [json, length, ...Array.from({ length: 2_500 }, (_, i) => `x${i}: 1`)],
    () => [json, length, `host: ${host}`],
    () => [json, length, 'origin: http://evil.example'],
    () => [json, length, `authorization: Bearer ${'f'.repeat(random.pick([1, 64, 65, 9_000]))}`],
    () => ['content-type: text/plain', length],
    () => [json, length, 'content-encoding: gzip'],
    () => [json, length, 'expect: 100-continue'],
    () => [json, length, 'expect: something-else'],
    () => [json, length, 'bad header line'],
    () => [json, length, `x: \u0000\u0001${String.fromCharCode(0xff)}`],
    () => [json, length, ': empty name'],
    () => [json, length, 'x: 1', ' folded: 2'],
  ])();
  return attack('headers', 'listen', head(random.chance(100) ? 'evil.example' : host, lines) + BODY);
}

/** Lengths that lie, twice, or with chunks beside them. */
function lengths(host: string, random: Random): RawAttack {
  const lines = random.pick([
    ['content-length: -1'],
    ['content-length: 99999999999999999999'],
    ['content-length: 0x10'],
    ['content-length: 5', 'content-length: 6'],
    ['content-length: 60', 'transfer-encoding: chunked'],
    ['transfer-encoding: chunked, identity'],
    ['transfer-encoding: gzip, chunked'],
    ['transfer-encoding: chunked'],
  ]);
  const body = random.pick([
    BODY,
    `ffffffffffffffff\r\n${BODY}`,
    `zz\r\n${BODY}\r\n0\r\n\r\n`,
    `-1\r\n\r\n`,
    `${BODY.length.toString(16)};${'e'.repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`,
    `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  ]);
  return attack('lengths', random.chance(300) ? 'leave' : 'listen', head(host, [json, ...lines]) + body);
}

function pathAbuse(host: string, random: Random): RawAttack {
  const method = random.pick(['GET', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'HEAD', 'XYZ', 'PRI']);
  const path = random.pick([
    '/',
    '*',
    '//',
    '/../../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/%',
    '/%ff%fe',
    `/${'a'.repeat(15_000)}`,
    'http://evil.example/',
    '/healthz?x=\u00ff',
    '/metrics#x',
    '/index.html/..',
    '\\..\\..',
  ]);
  const version = random.pick(['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', '']);
  return attack('paths', 'listen', head(host, ['connection: close'], `${method} ${path} ${version}`));
}

function pipelined(host: string, random: Random): RawAttack {
  const one = head(host, [json, `content-length: ${BODY.length}`]) + BODY;
  return attack('pipelined', random.chance(300) ? 'leave' : 'listen', one.repeat(random.between(2, 40)));
}

function noise(_: string, random: Random): RawAttack {
  return attack('noise', 'listen', bytesOf(random, random.between(1, 2_000)));
}

function brokenUpgrade(host: string, random: Random): RawAttack {
  const lines = random.pick([
    ['upgrade: websocket', 'connection: upgrade'],
    ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-key: x', 'sec-websocket-version: 13'],
    ['upgrade: websocket', 'connection: upgrade', `sec-websocket-key: ${KEY}`, 'sec-websocket-version: 99'],
    ['upgrade: h2c', 'connection: upgrade, http2-settings', 'http2-settings: x'],
    [
      'upgrade: websocket',
      'connection: upgrade',
      `sec-websocket-key: ${KEY}`,
      'sec-websocket-version: 13',
      'origin: http://evil.example',
    ],
    [
      'upgrade: websocket',
      'connection: upgrade',
      `sec-websocket-key: ${KEY}`,
      'sec-websocket-version: 13',
      'sec-websocket-protocol: ,,,',
    ],
    [
      'upgrade: websocket',
      'connection: upgrade',
      `sec-websocket-key: ${KEY}`,
      'sec-websocket-version: 13',
      'sec-websocket-extensions: permessage-deflate; server_max_window_bits=99',
    ],
  ]);
  return attack('upgrade', 'listen', head(host, lines, `${random.pick(['GET', 'POST'])} / HTTP/1.1`));
}

const KEY = Buffer.alloc(16, 7).toString('base64');
const opened = (host: string) =>
  head(
    host,
    ['upgrade: websocket', 'connection: upgrade', `sec-websocket-key: ${KEY}`, 'sec-websocket-version: 13'],
    'GET / HTTP/1.1',
  );

/** After a good handshake: frames that no peer may send, by RFC 6455. */
function brokenFrames(host: string, random: Random): RawAttack {
  const frames = Array.from({ length: random.between(1, 5) }, () =>
    random.pick<() => Buffer>([
      () => Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
      () => Buffer.from([0xf1, 0x80, 0, 0, 0, 0]),
      () => Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
      () => Buffer.from([0x09, 0x80, 0, 0, 0, 0]),
      () => Buffer.from([0x80, 0x80, 0, 0, 0, 0]),
      () => Buffer.from([0x88, 0x81, 0, 0, 0, 0, 1]),
      () => Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0, 1]),
      () => Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
      () => Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x7b]),
      () => bytesOf(random, random.between(1, 100)),
    ])(),
  );
  return attack('frames', random.chance(500) ? 'leave' : 'listen', opened(host), ...frames);
}

/** A frame that says it is long: the length alone must be enough to refuse it, or nothing may be kept for it. */
function longFrame(host: string, random: Random): RawAttack {
  const frame = Buffer.alloc(14);
  frame.set([0x81, 0xff]);
  frame.writeBigUInt64BE(
    random.pick([BigInt(rpcLimits.socketMessageBytesMax) + 1n, 2n ** 40n, 2n ** 53n, 2n ** 63n]),
    2,
  );
  return attack('long frame', 'listen', opened(host), frame, bytesOf(random, 500));
}

function bytesOf(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}
