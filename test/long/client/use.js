// A program of a user, in plain JavaScript.
import { readFileSync } from 'node:fs';
import { createClient } from 'consilium/client';
import { readSigningKey } from 'consilium/keystore';

const [url, publisher, taskFile] = process.argv.slice(2);
const keystore = JSON.parse(readFileSync(`${publisher}/keystore.json`, 'utf8'));
const password = readFileSync(`${publisher}/password`, 'utf8').trim();

const client = createClient(url);
const { height } = await client.call('chain.status', {});
const wallet = await client.wallet(readSigningKey(keystore, password));
const { task, transaction } = await wallet.publishTask(JSON.parse(readFileSync(taskFile, 'utf8')));
const { spec, status } = await client.call('task.get', { task });
for await (const { item } of client.follow('events', {
  from: { height: height + 1, index: 0 },
  kind: 'published',
})) {
  if (item.transaction !== transaction) throw new Error(`an event of ${item.transaction}`);
  break;
}
console.log(JSON.stringify({ task, title: spec.title, status }));
