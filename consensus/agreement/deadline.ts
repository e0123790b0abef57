import type { AgreementConfig, AgreementState } from './state.js';

/**
 * Milliseconds from the start of a period to its deadline: base · 2^min(emptyRun, k) in period 0, doubled
 * with every later period, never above the cap.
 */
export function deadlineMs({ params, emptyRun }: AgreementConfig, period: number): number {
  const doublings = Math.min(emptyRun, params.deadlineDoublingsMax) + Math.min(period, 30);
  return Math.min(params.deadlineCapMs, params.deadlineMs * 2 ** doublings);
}

/**
 * By how much period 0's deadline is extended when it fires: once, by the time that pulling the announced
 * payload bytes takes, bounded; 0 for not at all. Without it a block slower than the deadline would end as E_h
 * at every attempt.
 */
export function extensionMs(state: AgreementState): number {
  if (state.period !== 0 || state.extended) return 0;
  const { payloadBytesPerMs, payloadExtensionMsMax } = state.config.params;
  const announced = Math.max(0, ...state.proposals.map(({ payloadBytes }) => payloadBytes));
  return Math.min(payloadExtensionMsMax, Math.ceil(announced / payloadBytesPerMs));
}
