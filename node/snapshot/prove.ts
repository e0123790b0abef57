import {
  follow,
  type LightBase,
  type LightChain,
  type LightHead,
  type LightRefusal,
  lightStart,
  proveBase,
} from '../../audit/light/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { KnownBlock } from '../light/index.js';
import type { Asker, Reading } from './ask.js';
import { JoinError } from './error.js';
import {
  answerBytes,
  encodeStartRequest,
  encodeStepsRequest,
  readSteps,
  START_PROTOCOL,
  STEPS_PROTOCOL,
} from './messages.js';

interface Followed {
  readonly head: LightHead;
  /** Once the way has come to its end. */
  readonly base: LightBase | null;
}

/** Begins at a block that is known, by whoever can show it. Throws JoinError 'untrusted'. */
export async function proveStart(chain: LightChain, known: KnownBlock, asker: Asker): Promise<LightHead> {
  const { height, hash } = known;
  try {
    return await asker.ask({
      protocol: START_PROTOCOL,
      request: encodeStartRequest(height),
      answerBytesMax: answerBytes.start,
      read: (raw): Reading<LightHead> => {
        const started = lightStart(chain, known, raw);
        return started.ok ? { kind: 'taken', value: started.head } : lie(started);
      },
    });
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    const message = `no peer shows block ${height} with the hash ${bytesToHex(hash)}: compare it with who told you`;
    throw new JoinError('untrusted', message, { cause: error });
  }
}

/**
 * Proves the block at `height`, following a light client's steps from a proved head below it. Whoever lies, what was
 * proved before stays. Throws JoinError 'unavailable'. Cost: a signature check a signer, at one header an era.
 */
export async function proveHeader(
  chain: LightChain,
  from: LightHead,
  height: number,
  asker: Asker,
): Promise<LightBase> {
  let at: Followed = { head: from, base: null };
  while (at.base === null) {
    const { head } = at;
    at = await asker.ask({
      protocol: STEPS_PROTOCOL,
      request: encodeStepsRequest({ from: head.height, to: height }),
      answerBytesMax: answerBytes.steps,
      read: (raw) => readAll(chain, head, height, raw),
    });
  }
  return at.base;
}

/** Every step of an answer has to hold, and to lead on: each is at a greater height, so this ends. */
function readAll(chain: LightChain, from: LightHead, height: number, raw: Uint8Array): Reading<Followed> {
  const steps = readSteps(raw);
  if (steps === null || steps.length === 0) return { kind: 'lie', reason: 'no steps' };
  let head = from;
  for (const step of steps) {
    const before = head;
    const followed = follow(chain, before, step);
    if (!followed.ok) return lie(followed);
    head = followed.head;
    if (head.height > height) return { kind: 'lie', reason: `leads beyond ${height}` };
    if (head.height < height) continue;
    const proved = proveBase(chain, before, step);
    return proved.ok ? { kind: 'taken', value: { head, base: proved.base } } : lie(proved);
  }
  return { kind: 'taken', value: { head, base: null } };
}

function lie({ reason, detail }: LightRefusal): { readonly kind: 'lie'; readonly reason: string } {
  return { kind: 'lie', reason: `${reason}: ${detail}` };
}
