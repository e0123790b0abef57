import { readFileSync } from 'node:fs';
import { readSigningKey } from 'consilium/keystore';
import { publish } from './out/use.js';

const [url, publisher, taskFile] = process.argv.slice(2);
const keystore = JSON.parse(readFileSync(`${publisher}/keystore.json`, 'utf8'));
const secret = readSigningKey(keystore, readFileSync(`${publisher}/password`, 'utf8').trim());
console.log(JSON.stringify(await publish(url, secret, JSON.parse(readFileSync(taskFile, 'utf8')))));
