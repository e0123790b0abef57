import { readFileSync } from 'node:fs';
import { encode, integer, list, struct, tryDecode } from '../../chain/index.js';
import type { Evidence } from '../../consensus/index.js';
import { evidenceCodec } from '../../contracts/index.js';
import { concatBytes, equalBytes, sha256 } from '../../crypto/index.js';
import { writeWhole } from '../wholeFile.js';

/** Offences that wait for a block; one an accused, so more only if a ring has more seats. */
export const PENDING_MAX = 128;

const EVIDENCE_BYTES_MAX = 1_024;
const FILE_BYTES_MAX = PENDING_MAX * (EVIDENCE_BYTES_MAX + 8) + 64;
const SEAL_BYTES = 32;

const fileCodec = struct({ version: integer(1, 1), offences: list(evidenceCodec, PENDING_MAX) });

/** Where offences lie that no block holds yet, over a crash. */
export interface OffenceFile {
  /** What the last life left; nothing if the file is missing or damaged (`isDamaged` says which). */
  read(): { readonly offences: readonly Evidence[]; readonly isDamaged: boolean };
  /** All of them; synced. Throws what the disk says. */
  write(offences: readonly Evidence[]): Promise<void>;
}

/**
 * One small file, whole or not at all: SHA-256 of the rest, then a version and at most 128 pieces of evidence.
 *
 * A damaged one is no reason to stop: the others saw the offences as well, and evidence proves itself on chain.
 */
export function offenceFile(path: string): OffenceFile {
  return {
    read: () => {
      const raw = readOrNull(path);
      if (raw === null) return { offences: [], isDamaged: false };
      const body = raw.subarray(SEAL_BYTES);
      const isSealed = equalBytes(sha256(body), raw.subarray(0, SEAL_BYTES));
      const decoded = isSealed ? tryDecode(fileCodec, body, FILE_BYTES_MAX) : null;
      return decoded?.ok
        ? { offences: decoded.value.offences, isDamaged: false }
        : { offences: [], isDamaged: true };
    },
    write: (offences) => {
      const body = encode(fileCodec, { version: 1, offences: offences.slice(0, PENDING_MAX) });
      return writeWhole(path, concatBytes(sha256(body), body));
    },
  };
}

/** For a node whose folder is nobody's: a crash takes them. */
export const noOffenceFile: OffenceFile = {
  read: () => ({ offences: [], isDamaged: false }),
  write: async () => {},
};

function readOrNull(path: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
