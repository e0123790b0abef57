import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all that nothing refers to, at once. What this turn looked at through a WeakRef stays to its end. */
export const collectGarbage = runInNewContext('gc') as () => void;
