/** ../hpke.ts has no counterpart: reading keys don't rest in a page. */
export {};
