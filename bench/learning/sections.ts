import type { Section } from './section.js';

/** All sections, in the order of the document. */
export const sections: readonly Section[] = [];
