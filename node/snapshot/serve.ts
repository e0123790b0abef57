import { encodeStart, encodeStep } from '../../audit/light/index.js';
import { cutChunk, encode, stateChunkCodec } from '../../chain/index.js';
import type { Tip } from '../../consensus/index.js';
import type { ChainStart } from '../../genesis/index.js';
import { NetError, type Transport } from '../../net/index.js';
import type { Clock } from '../driver/clock.js';
import { type LightSource, lightSource } from '../light/source.js';
import { baseHeight, type Store } from '../store/index.js';
import {
  CHUNK_PROTOCOL,
  encodeOffer,
  encodeSteps,
  OFFER_PROTOCOL,
  REQUEST_BYTES_MAX,
  readChunkRequest,
  readStartRequest,
  readStepsRequest,
  START_PROTOCOL,
  STEPS_BYTES,
  STEPS_MAX,
  STEPS_PROTOCOL,
  type StepsRequest,
} from './messages.js';
import { Pins } from './pins.js';

export interface SnapshotServerOptions {
  readonly transport: Pick<Transport, 'serve' | 'penalize'>;
  readonly store: Pick<Store, 'block' | 'ring' | 'base' | 'versions'>;
  readonly chain: ChainStart;
  readonly tip: () => Tip;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const MALFORMED_POINTS = 25;
const NOT_HERE = new Uint8Array(0);

/** Something that a peer asks for and this node lacks. */
class Lack extends Error {}

/**
 * Serves those who join: offers of states, their chunks, and the headers and certificates that lead to them. Tell it
 * of every commit: a state that is kept for a joiner costs what blocks write meanwhile.
 *
 * Each request is bounded to some 20 ms of work, and few of one peer are served at a time.
 */
export function serveSnapshots(options: SnapshotServerOptions): { committed(writes: number): void } {
  const { transport, store, chain, tip, clock } = options;
  const pins = new Pins({
    versions: store.versions,
    eraHeights: chain.rules.eraHeights,
    above: baseHeight(store),
    now: () => clock.monotonic(),
  });
  const source = (): LightSource =>
    lightSource({ chain, store, tip: tip(), lacks: (detail) => new Lack(detail) });

  /** `read` gives null for what is no such request; `answer` throws Lack. */
  function serve<R>(
    protocol: string,
    concurrentMax: number,
    read: (raw: Uint8Array) => R | null,
    answer: (request: R) => Uint8Array,
  ): void {
    const handler = async (raw: Uint8Array, from: string): Promise<Uint8Array> => {
      const request = read(raw);
      if (request === null) {
        transport.penalize(from, MALFORMED_POINTS, 'malformed request');
        throw new NetError('refused', 'malformed request');
      }
      try {
        return answer(request);
      } catch (error) {
        if (error instanceof Lack) return NOT_HERE;
        throw error;
      }
    };
    transport.serve(protocol, handler, { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax });
  }

  serve(
    OFFER_PROTOCOL,
    2,
    (raw) => (raw.length === 0 ? raw : null),
    () => encodeOffer(pins.offer()),
  );
  serve(CHUNK_PROTOCOL, 8, readChunkRequest, (request) => {
    const tree = pins.at(request.height);
    const chunk = tree === undefined ? null : cutChunk(tree, request);
    return chunk === null ? NOT_HERE : encode(stateChunkCodec, chunk);
  });
  serve(START_PROTOCOL, 2, readStartRequest, (height) => {
    const known = source();
    return encodeStart({ header: known.block(height).header, ring: known.ringAfter(height) });
  });
  serve(STEPS_PROTOCOL, 2, readStepsRequest, (request) => stepsOf(source(), tip().height, request));
  return { committed: (writes) => pins.committed(writes) };
}

/** As many steps as fit. Throws Lack if there is not even one. */
function stepsOf(source: LightSource, head: number, { from, to }: StepsRequest): Uint8Array {
  if (from >= to || to > head) throw new Lack(`there is no way from ${from} to ${to}`);
  const steps: Uint8Array[] = [];
  let bytes = 0;
  for (let at = from; at < to && steps.length < STEPS_MAX; ) {
    at = source.next(at, to);
    const step = encodeStep(source.step(at));
    bytes += step.length;
    if (steps.length > 0 && bytes > STEPS_BYTES) break;
    steps.push(step);
  }
  return encodeSteps(steps);
}
