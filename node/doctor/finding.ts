export const checks = [
  'versions',
  'configuration',
  'modes',
  'keys',
  'genesis',
  'chain',
  'membership',
  'ports',
  'disk',
  'peers',
  'clock',
] as const;
export type CheckName = (typeof checks)[number];

/** What was found, and what to do about it. */
export interface Finding {
  readonly check: CheckName;
  /** `skipped`: it could not be looked at, for what another finding says. */
  readonly status: 'ok' | 'warning' | 'fault' | 'skipped';
  readonly message: string;
  /** Null: there is nothing to do. */
  readonly mend: string | null;
}

/** From where on something is a finding. */
export interface DoctorBounds {
  readonly freeBytesWarning: number;
  readonly freeBytesFault: number;
  /** Of a write of 4 KiB with its sync, the median. */
  readonly syncMsWarning: number;
  readonly syncMsFault: number;
}

export const doctorBounds: DoctorBounds = {
  freeBytesWarning: 4 * 2 ** 30,
  freeBytesFault: 256 * 2 ** 20,
  syncMsWarning: 30,
  syncMsFault: 300,
};

export function ok(check: CheckName, message: string): Finding {
  return { check, status: 'ok', message, mend: null };
}

export function warning(check: CheckName, message: string, mend: string): Finding {
  return { check, status: 'warning', message, mend };
}

export function fault(check: CheckName, message: string, mend: string): Finding {
  return { check, status: 'fault', message, mend };
}

export function skipped(check: CheckName, message: string): Finding {
  return { check, status: 'skipped', message, mend: null };
}
