import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeWhole } from './wholeFile.js';

const BEARER = /^Bearer ([0-9a-f]{64})$/;

/** Where a node leaves the token of this run for whoever may read its folder. */
export function adminTokenFile(dataDir: string): string {
  return `${dataDir}.admin-token`;
}

/** A fresh token, in a file that only the node's own user may read: whoever reads it administers the node. */
export async function makeAdminToken(dataDir: string): Promise<string> {
  const token = randomBytes(32).toString('hex');
  await writeWhole(adminTokenFile(dataDir), Buffer.from(`${token}\n`));
  return token;
}

/** Null: there is no such file, so the node has never run. */
export function readAdminToken(dataDir: string): string | null {
  try {
    return readFileSync(adminTokenFile(dataDir), 'utf8').trim();
  } catch {
    return null;
  }
}

/** Does an Authorization header carry this token? In the same time whatever it says. */
export function carriesToken(header: string | undefined, token: string): boolean {
  const said = BEARER.exec(header ?? '')?.[1];
  return said !== undefined && timingSafeEqual(Buffer.from(said), Buffer.from(token));
}
