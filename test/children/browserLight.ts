/*
 * Runs the light client without Node (browserHooks.ts): what it is given comes as JSON on stdin, bytes in lists; what
 * it finds goes out as one line of JSON.
 */
const { stdin, stdout } = process;
let text = '';
for await (const chunk of stdin.setEncoding('utf8')) text += chunk;
const given = JSON.parse(text);
const bytesOf = (list: readonly number[]): Uint8Array => Uint8Array.from(list);

for (const name of ['process', 'Buffer', 'global', 'setImmediate']) Reflect.deleteProperty(globalThis, name);

const light = await import('../../audit/light/index.js');

const { chain, head: genesis } = light.lightChain(given.genesis);
let head = genesis;
const faults: string[] = [];
for (const step of given.steps) {
  const followed = light.follow(chain, head, bytesOf(step));
  if (followed.ok) head = followed.head;
  else faults.push(followed.reason);
}
const block = head.block!;
const shown = light.verifyTransactionProof(block, bytesOf(given.transaction));
const state = light.provedState(block, given.keys, given.entries.map(bytesOf));
const { datasets, device } = given;
stdout.write(
  `${JSON.stringify({
    globals: [typeof Reflect.get(globalThis, 'Buffer'), typeof Reflect.get(globalThis, 'process')],
    height: head.height,
    hash: [...head.hash],
    faults,
    transaction: shown.ok ? [...shown.hash] : shown.reason,
    declared: state.ok ? light.budgetOf(state.state, device, datasets).declared : state.reason,
  })}\n`,
);
