/** ../keystore.ts has no counterpart: keys don't rest in a page. */
export {};
