import {
  follow,
  type LightBase,
  type LightChain,
  type LightHead,
  type LightRefusal,
  lightStart,
  proveBase,
  STEP_BYTES_MAX,
  stepCodec,
} from '../../audit/light/index.js';
import { tryDecode } from '../../chain/index.js';
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

/** Steps that a peer gave, not checked yet; `reaches`: the height of the last one, as it says. */
interface Given {
  readonly peer: string;
  readonly steps: readonly Uint8Array[];
  readonly reaches: number;
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
 * Proves the block at `height`, following a light client's steps from a proved head below it: while those at hand are
 * checked, the next are on their way. Whoever lies, what was proved before stays.
 *
 * Throws JoinError 'unavailable'. Cost: a signature check a signer, at one header an era.
 */
export async function proveHeader(
  chain: LightChain,
  from: LightHead,
  height: number,
  asker: Asker,
): Promise<LightBase> {
  let head = from;
  let coming = askSteps(head.height, height, asker);
  for (;;) {
    const given = await coming;
    const next = given.reaches < height ? askSteps(given.reaches, height, asker) : null;
    // Awaited in the next turn, if what it follows on holds.
    next?.catch(() => {});
    const followed = followAll(chain, head, height, given.steps);
    if (followed.kind === 'end') return followed.base;
    if (followed.kind === 'lie') asker.blame(given.peer, STEPS_PROTOCOL, followed.reason);
    else ({ head } = followed);
    coming = followed.kind === 'on' && next !== null ? next : askSteps(head.height, height, asker);
  }
}

function askSteps(from: number, to: number, asker: Asker): Promise<Given> {
  return asker.ask({
    protocol: STEPS_PROTOCOL,
    request: encodeStepsRequest({ from, to }),
    answerBytesMax: answerBytes.steps,
    read: (raw, peer): Reading<Given> => {
      const steps = readSteps(raw) ?? [];
      const last = steps.length === 0 ? null : tryDecode(stepCodec, steps.at(-1)!, STEP_BYTES_MAX);
      if (last?.ok !== true) return { kind: 'lie', reason: 'no steps' };
      const reaches = last.value.header.height;
      // Each answer leads on, so this ends.
      if (reaches <= from || reaches > to) return { kind: 'lie', reason: `leads from ${from} to ${reaches}` };
      return { kind: 'taken', value: { peer, steps, reaches } };
    },
  });
}

type Followed =
  | { readonly kind: 'on'; readonly head: LightHead }
  | { readonly kind: 'end'; readonly base: LightBase }
  | { readonly kind: 'lie'; readonly reason: string };

/** Every step of an answer has to hold. */
function followAll(
  chain: LightChain,
  from: LightHead,
  height: number,
  steps: readonly Uint8Array[],
): Followed {
  let head = from;
  for (const step of steps) {
    const before = head;
    const followed = follow(chain, before, step);
    if (!followed.ok) return lie(followed);
    head = followed.head;
    if (head.height !== height) continue;
    const proved = proveBase(chain, before, step);
    return proved.ok ? { kind: 'end', base: proved.base } : lie(proved);
  }
  return { kind: 'on', head };
}

function lie({ reason, detail }: LightRefusal): { readonly kind: 'lie'; readonly reason: string } {
  return { kind: 'lie', reason: `${reason}: ${detail}` };
}
