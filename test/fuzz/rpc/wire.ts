import { type Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Heard } from './judge.js';
import type { RawAttack } from './raw.js';

/** No answer takes as long, on any machine. */
export const ANSWER_MS = 60_000;
/** A sender that listens gives up after that much silence: whoever is asked nothing says nothing. */
const SILENCE_MS = 100;

/** Thrown by the senders: the node did not do what it always has to do. */
export class WireFault extends Error {}

/** Posts a body and gives status and answer. `leave`: goes away after 10 ms, and hears nothing. */
export function post(
  url: string,
  body: Buffer,
  { agent, token, leave }: { readonly agent: Agent; readonly token: string | null; readonly leave: boolean },
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    const timer = setTimeout(
      () => {
        if (leave) resolve({ status: null, text: null });
        else reject(new WireFault(`no answer within ${ANSWER_MS} ms`));
        sent.destroy();
      },
      leave ? 10 : ANSWER_MS,
    );
    sent.on('error', (error) => {
      clearTimeout(timer);
      // Also comes after `destroy`, when the promise is settled.
      reject(new WireFault(`the connection broke: ${error.message}`));
    });
    sent.end(body);
  });
}

/** A WebSocket to the node on which answers come in the order of messages. */
export interface Talk {
  /** Sends a message and a question behind it; gives what came before the answer to the question. Null: the node closed. */
  say(bytes: Buffer, binary: boolean): Promise<readonly string[] | null>;
  readonly closedWith: number | null;
  leave(cut: boolean): void;
}

export async function openTalk(url: string): Promise<Talk> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  let closedWith: number | null = null;
  let heard: string[] = [];
  let asked = 0;
  let settle: (answered: boolean) => void = () => {};
  socket.on('error', () => {});
  socket.on('close', (code) => {
    closedWith = code;
    settle(false);
  });
  socket.on('message', (data) => {
    const text = String(data);
    if (text.includes(`"id":"marker ${asked}"`)) settle(true);
    else if (!text.includes('"method":"chain.item"')) heard.push(text);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('close', () => reject(new WireFault('the node took no WebSocket')));
  });
  return {
    say: async (bytes, binary) => {
      heard = [];
      asked += 1;
      socket.send(bytes, { binary });
      socket.send(
        JSON.stringify({ jsonrpc: '2.0', id: `marker ${asked}`, method: 'chain.status', params: {} }),
      );
      const answered = await new Promise<boolean>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new WireFault(`no answer over a WebSocket within ${ANSWER_MS} ms`)),
          ANSWER_MS,
        );
        settle = (value) => {
          clearTimeout(timer);
          resolve(value);
        };
        if (closedWith !== null) settle(false);
      });
      return answered ? heard : null;
    },
    get closedWith() {
      return closedWith;
    },
    leave: (cut) => {
      if (cut) socket.terminate();
      else socket.close();
    },
  };
}

/** Writes an attack to a socket of its own and gives all that came back. A held socket is put into `held`. */
export function throwAt(url: URL, { pieces, then }: RawAttack, held: Set<Socket>): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    socket.on('data', (chunk) => {
      if (heard.length < 200_000) heard += chunk.toString('latin1');
    });
    // A node that is written to after it has closed resets: that is its right.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') reject(new WireFault('nobody listens any more'));
    });
    socket.on('close', () => {
      held.delete(socket);
      resolve(heard);
    });
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece);
      if (then === 'hold') {
        held.add(socket);
        resolve('');
      } else if (then === 'leave') setImmediate(() => socket.destroy());
      else socket.setTimeout(SILENCE_MS, () => socket.destroy());
    });
  });
}
