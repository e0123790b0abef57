import { concatBytes, sha256, utf8ToBytes } from '../../crypto/index.js';
import { encodedWidth, holdOut } from '../../fl/index.js';
import { createAttacker } from './attacker.js';
import type { Device, DeviceRecords } from './device.js';

/** What a task's plan says of held-out rows. */
export interface HeldOutRule {
  /** Id of the planned task. */
  readonly id: Uint8Array;
  /** In 2^-16. */
  readonly share16: number;
}

/**
 * A device as it takes part in a task, and the rows that it keeps from training and only evaluates on.
 *
 * The same in every life of the device: the draw follows from the plan and from the dataset's id, which nobody else can
 * compute, and which the publisher could not know when it planned. Without a rule all rows train.
 */
export function dealRows(
  device: Device,
  rule: HeldOutRule | null,
): { readonly training: Device; readonly heldOut: DeviceRecords } {
  const { records, schema, config, accomplices } = device;
  const width = encodedWidth(schema);
  if (rule === null || rule.share16 === 0) return { training: device, heldOut: rowsOf(records, [], width) };
  const seed = sha256(concatBytes(utf8ToBytes('consilium/held-out/1'), rule.id, device.dataset));
  const { rows, persons } = records;
  const subjects = persons === null ? null : Array.from(persons, String);
  const dealt = holdOut({ rows, subjects, share16: rule.share16, seed });
  const own = rowsOf(records, dealt.training, width);
  const { rows: count, persons: whose } = own;
  const training = {
    ...device,
    rows: count,
    persons: whose,
    attacker: createAttacker(config, width, own, accomplices),
  };
  return { training, heldOut: rowsOf(records, dealt.heldOut, width) };
}

function rowsOf(records: DeviceRecords, chosen: readonly number[], width: number): DeviceRecords {
  const x = new Float32Array(chosen.length * width);
  for (const [index, row] of chosen.entries())
    x.set(records.x.subarray(row * width, (row + 1) * width), index * width);
  return {
    ...records,
    x,
    y: Float32Array.from(chosen, (row) => records.y[row]!),
    rows: chosen.length,
    persons: records.persons === null ? null : renumbered(chosen.map((row) => records.persons![row]!)),
  };
}

/** The same persons, counted from 0 without gaps; each one's rows are side by side. */
function renumbered(persons: readonly number[]): Int32Array {
  let next = -1;
  return Int32Array.from(persons, (person, row) =>
    row === 0 || person !== persons[row - 1] ? ++next : next,
  );
}
