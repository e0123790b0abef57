import type { AllowList } from './allowList.js';
import { NetError } from './errors.js';
import type { NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import type { PeerKey, RequestHandler, ServeLimits } from './transport.js';

/** How a request was answered; the numbers are the first byte of the response frame. */
export const answerKinds = { ok: 1, refused: 2, tooLarge: 3 } as const;

export interface Answer {
  readonly kind: (typeof answerKinds)[keyof typeof answerKinds];
  readonly body: Uint8Array;
}

const refused: Answer = { kind: answerKinds.refused, body: new Uint8Array(0) };
const tooLarge: Answer = { kind: answerKinds.tooLarge, body: new Uint8Array(0) };

interface Service {
  readonly handler: RequestHandler;
  readonly limits: ServeLimits;
  readonly running: PeerSlots;
}

export interface RequestDeskOptions {
  readonly allowList: AllowList;
  readonly limits: NetLimits;
  readonly penalize: (peer: PeerKey, points: number, reason: string) => void;
  readonly onError: (error: Error) => void;
}

/** Admits, bounds and answers requests, whichever transport they came by. */
export class RequestDesk {
  readonly #options: RequestDeskOptions;
  readonly #services = new Map<string, Service>();

  constructor(options: RequestDeskOptions) {
    this.#options = options;
  }

  serve(protocol: string, handler: RequestHandler, limits: ServeLimits): void {
    if (this.#services.has(protocol)) throw new TypeError(`protocol ${protocol} is served`);
    this.#services.set(protocol, { handler, limits, running: new PeerSlots(limits.concurrentMax) });
  }

  protocols(): readonly string[] {
    return [...this.#services.keys()];
  }

  limitsOf(protocol: string): ServeLimits | null {
    return this.#services.get(protocol)?.limits ?? null;
  }

  /**
   * Serves one request: `read` takes it off the wire (failing with NetError "too-large" before it allocates),
   * `send` puts the answer on it. Nothing is answered before the request is read: the asker may not listen yet.
   * The peer's slot is held until `send` is done, so a slow reader can't collect answers in our memory. Rejects only
   * if `read` or `send` does so for want of a link.
   */
  async answer(
    protocol: string,
    from: PeerKey,
    read: (bytesMax: number) => Promise<Uint8Array>,
    send: (answer: Answer) => Promise<void>,
  ): Promise<void> {
    const { allowList, limits, penalize } = this.#options;
    const service = this.#services.get(protocol);
    if (service === undefined) return send(refused);
    let request: Uint8Array;
    try {
      request = await read(service.limits.requestBytesMax);
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== 'too-large') throw error;
      penalize(from, limits.oversizePoints, `${protocol}: ${error.message}`);
      return send(tooLarge);
    }
    if (!allowList.admits(from) || !service.running.take(from)) return send(refused);
    try {
      await send(await this.#handle(protocol, service.handler, request, from));
    } finally {
      service.running.free(from);
    }
  }

  async #handle(
    protocol: string,
    handler: RequestHandler,
    request: Uint8Array,
    from: PeerKey,
  ): Promise<Answer> {
    try {
      return { kind: answerKinds.ok, body: await handler(request, from) };
    } catch (cause) {
      if (!(cause instanceof NetError && cause.code === 'refused')) {
        this.#options.onError(
          cause instanceof Error ? cause : new Error(`${protocol} handler threw`, { cause }),
        );
      }
      return refused;
    }
  }
}

/** Body of an answer, or the NetError ("refused", "too-large") that it stands for. */
export function bodyOf(answer: Answer, protocol: string): Uint8Array {
  switch (answer.kind) {
    case answerKinds.ok:
      return answer.body;
    case answerKinds.refused:
      throw new NetError('refused', `peer refused ${protocol}`);
    case answerKinds.tooLarge:
      throw new NetError('too-large', `request too large for ${protocol}`);
    default: {
      const never: never = answer.kind;
      throw new TypeError(`unknown answer ${String(never)}`);
    }
  }
}
