import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Flow, Links } from './links.js';
import type { Cut } from './plan.js';

const HOST = '127.0.0.1';

/** Bytes that a delayed or cut direction may hold back here; beyond that the sender's own buffers fill. */
const HELD_BYTES_MAX = 1024 * 1024;

export interface LinkProxy {
  readonly port: number;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Who dials through this proxy, and whose port it leads to. */
  readonly from: number;
  readonly to: number;
  readonly targetPort: number;
  readonly links: Links;
}

/**
 * A TCP proxy on loopback between one node that dials and one that listens. It passes bytes on, in order, as the
 * links say for each direction at this moment: later, or not at all.
 *
 * TCP loses no byte of a connection that lives on, so neither does this: what a silent cut holds back comes when it
 * ends, as after a retransmission. To lose bytes is to break the connection.
 */
export async function startProxy({ from, to, targetPort, links }: ProxyOptions): Promise<LinkProxy> {
  const pairs = new Set<() => void>();
  const server = createServer({ noDelay: true }, (client) => {
    if (links.flow(from, to).cut === 'reset' || links.flow(to, from).cut === 'reset') {
      client.destroy();
      return;
    }
    const target = dial({ host: HOST, port: targetPort, noDelay: true });
    const forth = carry(client, target, () => links.flow(from, to));
    const back = carry(target, client, () => links.flow(to, from));
    let over = false;
    const isCut = (cut: Cut) => links.flow(from, to).cut === cut || links.flow(to, from).cut === cut;
    const look = () => {
      // Through a silent cut nobody hears that the other side has gone.
      if (isCut('reset') || (over && !isCut('silent'))) return end();
      forth.look();
      back.look();
    };
    const stops = [
      links.onChange(look),
      links.onBreak((covers) => (covers(from, to) || covers(to, from)) && end()),
    ];
    const end = () => {
      for (const stop of stops) stop();
      forth.stop();
      back.stop();
      // Not resetAndDestroy: it waits until all is written, and what breaks meanwhile leaks its handle (Node 20).
      client.destroy();
      target.destroy();
      pairs.delete(end);
    };
    pairs.add(end);
    for (const socket of [client, target]) {
      const gone = () => {
        over = true;
        look();
      };
      socket.on('error', gone);
      socket.on('close', gone);
    }
  });
  const port = await listen(server);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const end of [...pairs]) end();
      }),
  };
}

/** One direction of a connection: what was read waits here until its time has come and the direction is open. */
function carry(source: Socket, sink: Socket, flow: () => Flow) {
  const held: { readonly chunk: Buffer; readonly due: number }[] = [];
  let bytes = 0;
  let ended = false;
  let timer: NodeJS.Timeout | null = null;

  const look = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (flow().cut !== null) return;
    while (held.length > 0) {
      const waitMs = held[0]!.due - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(look, waitMs);
        return;
      }
      const { chunk } = held.shift()!;
      bytes -= chunk.length;
      sink.write(chunk);
    }
    if (ended) sink.end();
    else if (sink.writableNeedDrain) source.pause();
    else source.resume();
  };
  source.on('data', (chunk) => {
    held.push({ chunk: chunk as Buffer, due: performance.now() + flow().delayMs });
    bytes += chunk.length;
    if (bytes > HELD_BYTES_MAX) source.pause();
    look();
  });
  source.on('end', () => {
    ended = true;
    look();
  });
  sink.on('drain', look);
  return {
    look,
    stop: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port: 0 }, () => resolve((server.address() as { port: number }).port));
  });
}
