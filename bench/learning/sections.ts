import { flower } from './flower.js';
import type { Section } from './section.js';
import { step } from './step.js';

/** All sections, in the order of the document. */
export const sections: readonly Section[] = [step, flower];
