import {
  assembleState,
  type StatePart,
  type StateRange,
  type StateTree,
  stateChunkCodec,
  treeEntries,
  tryDecode,
  verifyChunk,
  wholeState,
} from '../../chain/index.js';
import type { BaseFolder } from '../store/index.js';
import type { Asker, Reading } from './ask.js';
import { JoinError } from './error.js';
import { answerBytes, CHUNK_PROTOCOL, encodeChunkRequest } from './messages.js';

/** Chunks that are asked for at a time. */
const AT_ONCE = 4;
/** An honest node's chunks halve a range or bring hundreds of kilobytes: more of them are no state that memory holds. */
const CHUNKS_MAX = 65_536;

export interface PulledState {
  readonly tree: StateTree;
  readonly chunks: number;
}

interface Taken {
  readonly part: StatePart;
  readonly rest: readonly StateRange[];
}

/**
 * Pulls the state after a proved header in chunks, from several peers at a time, each checked against its range when it
 * comes and then written into the folder. What is left of a range becomes ranges of its own, with known hashes.
 *
 * Throws JoinError 'unavailable', StoreError. Memory: the state, as in a running node, and a few chunks.
 */
export async function pullState(
  header: { readonly height: number; readonly stateRoot: Uint8Array },
  asker: Asker,
  folder: Pick<BaseFolder, 'putState'>,
): Promise<PulledState> {
  /** The largest last: soon there is work for all. */
  const open: StateRange[] = [wholeState(header.stateRoot)];
  const parts: StatePart[] = [];
  const running = new Set<Promise<void>>();

  async function pull(range: StateRange): Promise<void> {
    const { part, rest } = await askChunk(header.height, range, asker);
    if (parts.length >= CHUNKS_MAX)
      throw new JoinError('unavailable', `the state comes in more than ${CHUNKS_MAX} chunks`);
    open.push(...rest);
    parts.push(part);
    await folder.putState(treeEntries(part.tree));
  }

  try {
    while (open.length > 0 || running.size > 0) {
      for (
        let range = room() ? open.pop() : undefined;
        range !== undefined;
        range = room() ? open.pop() : undefined
      ) {
        const work = pull(range).finally(() => running.delete(work));
        running.add(work);
      }
      await Promise.race(running);
    }
  } finally {
    await Promise.allSettled(running);
  }
  return { tree: assembleState(parts), chunks: parts.length };

  function room(): boolean {
    return running.size < AT_ONCE;
  }
}

function askChunk(height: number, range: StateRange, asker: Asker): Promise<Taken> {
  const { path, depth } = range;
  return asker.ask({
    protocol: CHUNK_PROTOCOL,
    request: encodeChunkRequest({ height, path, depth }),
    answerBytesMax: answerBytes.chunk,
    read: (raw): Reading<Taken> => {
      const decoded = tryDecode(stateChunkCodec, raw, answerBytes.chunk);
      if (!decoded.ok) return { kind: 'lie', reason: decoded.error.message };
      const checked = verifyChunk(range, decoded.value);
      return checked.ok ? { kind: 'taken', value: checked } : { kind: 'lie', reason: checked.reason };
    },
  });
}
