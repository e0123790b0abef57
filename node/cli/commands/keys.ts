import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { bytesToHex, publicKeyOf, vrfPublicKeyOf } from '../../../crypto/index.js';
import { makeFolder, newKeys, readKeystore, writeKeystore } from '../../provision/index.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';

const EXAMPLES = `
Examples:
  consilium keys new ./my-keys --validator     writes keystore.json and password, prints the public keys
  consilium keys show ./my-keys/keystore.json  prints the public keys, never a secret`;

/** `consilium keys new|show`. */
export function addKeys(keys: Command, io: Io): void {
  keys.addHelpText('after', EXAMPLES);
  keys
    .command('new')
    .argument('<folder>', 'where to write keystore.json and password')
    .description('make fresh keys, sealed under a random password in a file beside them')
    .option('--validator', 'a VRF key as well, as a validator needs it', false)
    .action((folder: string, { validator }: { validator: boolean }, self: Command) => {
      makeNew(folder, validator, self.optsWithGlobals().json === true, io);
    });
  keys
    .command('show')
    .argument('<keystore>', 'a keystore.json')
    .description('print the public keys of a keystore')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)')
    .action((file: string, { passwordFile }: { passwordFile?: string }, self: Command) => {
      const secrets = readKeystore(file, passwordFile ?? join(dirname(file), 'password'));
      show(secrets, self.optsWithGlobals().json === true, io);
    });
}

function makeNew(folder: string, validator: boolean, json: boolean, io: Io): void {
  for (const name of ['keystore.json', 'password']) {
    if (existsSync(join(folder, name))) {
      throw new CliError('bad-folder', `${join(folder, name)} exists: keys are never written over`);
    }
  }
  const keys = newKeys(validator ? 'validator' : 'other');
  makeFolder(folder);
  writeKeystore(folder, keys);
  show(keys.secrets, json, io);
}

function show(secrets: Readonly<Record<string, Uint8Array>>, json: boolean, io: Io): void {
  const publicKey = secrets.sign === undefined ? null : bytesToHex(publicKeyOf(secrets.sign));
  const vrfPublicKey = secrets.vrf === undefined ? null : bytesToHex(vrfPublicKeyOf(secrets.vrf));
  if (json) io.out(JSON.stringify({ publicKey, vrfPublicKey }));
  else {
    const rows = [['public key', publicKey ?? 'none']];
    if (vrfPublicKey !== null) rows.push(['VRF public key', vrfPublicKey]);
    io.out(formatColumns(rows));
  }
}
