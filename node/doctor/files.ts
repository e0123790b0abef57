import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesToHex, publicKeyOf, vrfPublicKeyOf } from '../../crypto/index.js';
import { readKeystore } from '../provision/index.js';
import type { NodeConfig } from '../settings/index.js';
import { type Finding, fault, ok } from './finding.js';

/** Others on the machine must not read the secrets, nor exchange them. */
export function modeFindings({ keystore, passwordFile }: NodeConfig): readonly Finding[] {
  const found = [...new Set([keystore, passwordFile, dirname(keystore), dirname(passwordFile)])].flatMap(
    (path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return [];
      const open = stat.mode & (stat.isDirectory() ? 0o022 : 0o077);
      if (open === 0) return [];
      const mode = (stat.mode & 0o777).toString(8);
      const what = stat.isDirectory() ? 'others may exchange what lies in it' : 'others may read it';
      return [
        fault(
          'modes',
          `${path} has mode ${mode}: ${what}`,
          `chmod ${stat.isDirectory() ? '700' : '600'} ${path}`,
        ),
      ];
    },
  );
  return found.length > 0 ? found : [ok('modes', 'keystore and password are their owner’s alone')];
}

/** A validator's keys. */
export interface OwnKeys {
  readonly sign: Uint8Array;
  readonly publicKey: string;
  readonly vrfPublicKey: string;
}

/** The node's keys, or what is wrong with them. */
export function openKeys({ keystore, passwordFile }: NodeConfig): {
  readonly keys: OwnKeys | null;
  readonly finding: Finding;
} {
  try {
    const { sign, vrf } = readKeystore(keystore, passwordFile);
    if (sign?.length !== 32 || vrf?.length !== 32) {
      const mend = 'make it with "consilium init", or put the validator’s own keystore back from the backup';
      return {
        keys: null,
        finding: fault('keys', `${keystore} lacks the secrets sign and vrf of a validator`, mend),
      };
    }
    const keys = {
      sign,
      publicKey: bytesToHex(publicKeyOf(sign)),
      vrfPublicKey: bytesToHex(vrfPublicKeyOf(vrf)),
    };
    return { keys, finding: ok('keys', `the keystore opens; public key ${keys.publicKey}`) };
  } catch (error) {
    const mend =
      'put keystore.json and password back from the backup, both of the same day (docs/operate/backup.md)';
    return { keys: null, finding: fault('keys', (error as Error).message, mend) };
  }
}
