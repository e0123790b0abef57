/** How hospitals found a network over many machines, and join it: cards, a genesis made of them, a folder each. */
export { type Agreed, checkAgreed, type Founders } from './agreed.js';
export {
  type Card,
  cardsJson,
  fingerprintOf,
  isSameCard,
  makeCard,
  mustDiffer,
  readCard,
  readCards,
} from './card.js';
export { FoundingError, type FoundingFault } from './error.js';
export { initFolder, joinFolder, ownCard, type Places, renewCard, writeJsonWhole } from './folder.js';
export { digestOf, genesisOf, readAccounts, readParams } from './found.js';
