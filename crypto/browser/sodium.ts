import type { Sodium } from '../sodium.js';

/** ../sodium.ts, where there is none. */
export const sodium: Sodium | null = null;
