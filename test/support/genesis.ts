import { bytesToHex, drbg, publicKeyOf, utf8ToBytes, vrfPublicKeyOf } from '../../crypto/index.js';
import { type Genesis, newestFromStart, presets } from '../../genesis/index.js';

export interface Person {
  readonly name: string;
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly vrfSecret: Uint8Array;
}

/** Tokens of the publisher at the beginning: all that there are. */
export const PUBLISHER_BALANCE = 1_000_000;

export function person(name: string): Person {
  const random = drbg(utf8ToBytes(name));
  const secret = random(32);
  return { name, secret, publicKey: publicKeyOf(secret), vrfSecret: random(32) };
}

/** A genesis of so many hospitals with so many devices each, and one publisher. Keys follow from the names. */
export function testGenesis(hospitals: number, devicesEach: number) {
  const validators = Array.from({ length: hospitals }, (_, i) => person(`hospital-${i + 1}`));
  const devices = validators.flatMap((validator) =>
    Array.from({ length: devicesEach }, (_, i) => person(`${validator.name}-device-${i + 1}`)),
  );
  const publisher = person('publisher');
  const account = (
    who: Person,
    role: 'validator' | 'device' | 'publisher',
    hospital: string,
    level: number,
  ) => ({
    publicKey: bytesToHex(who.publicKey),
    role,
    name: who.name,
    hospital,
    level,
    vrfPublicKey: role === 'validator' ? bytesToHex(vrfPublicKeyOf(who.vrfSecret)) : null,
    balance: role === 'publisher' ? PUBLISHER_BALANCE : 0,
  });
  const genesis: Genesis = {
    version: 1,
    name: 'test',
    time: 1_700_000_000_000,
    params: { ...presets.local, agreement: { ...presets.local.agreement, heartbeatMs: 60_000 } },
    accounts: [
      ...validators.map((who) => account(who, 'validator', who.name, 0)),
      ...devices.map((who) => account(who, 'device', who.name.split('-device')[0]!, 1)),
      account(publisher, 'publisher', '', 0),
    ],
    upgrades: [...newestFromStart],
  };
  return { genesis, validators, devices, publisher };
}
