import type { AgreementParams } from '../../consensus/index.js';
import type { Params } from '../../contracts/index.js';

/** Not of the protocol: how often a node says again what it has said. The driver adds jitter. */
const RESEND_MS = 400;
/** A node is expected to pull announced payloads at 5 MB/s at least, and is waited for a minute at most. */
const PAYLOAD_BYTES_PER_MS = 5_000;
const PAYLOAD_EXTENSION_MS_MAX = 60_000;

export function agreementParams({ agreement }: Params): AgreementParams {
  const { deadlineMs, deadlineDoublingsMax, deadlineCapMs, filterMs } = agreement;
  return {
    deadlineMs,
    deadlineDoublingsMax,
    deadlineCapMs,
    filterMs,
    resendMs: RESEND_MS,
    payloadBytesPerMs: PAYLOAD_BYTES_PER_MS,
    payloadExtensionMsMax: PAYLOAD_EXTENSION_MS_MAX,
  };
}
