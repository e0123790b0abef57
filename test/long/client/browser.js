import { readFileSync } from 'node:fs';
import { readSigningKey } from 'consilium/keystore';

const [url, publisher, taskFile] = process.argv.slice(2);
const keystore = JSON.parse(readFileSync(`${publisher}/keystore.json`, 'utf8'));
const secret = readSigningKey(keystore, readFileSync(`${publisher}/password`, 'utf8').trim());
const task = JSON.parse(readFileSync(taskFile, 'utf8'));
const { publish } = await import('./page/page.js');
console.log(JSON.stringify(await publish(url, secret, task)));
