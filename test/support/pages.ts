/** The blocks of a page that begin with ```sh, in their order, without the fences. Throws if there is none. Pure. */
export function shellBlocks(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  if (blocks.length === 0) throw new Error('the page has no ```sh block');
  return blocks;
}
