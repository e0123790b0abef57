import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { RpcError } from './errors.js';

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i;

/**
 * Null, or why a browser must not talk to this node by that name.
 *
 * A page of another site can make its own name point to this machine (DNS rebinding) and then read our answers
 * as its own. It cannot do so to an address, nor to localhost; so a Host is one of these or a name that the
 * operator allowed, and an Origin, which browsers always send along with a POST, is the same host.
 */
export function originFault(headers: IncomingHttpHeaders, allowedHosts: readonly string[]): RpcError | null {
  const match = HOST.exec(headers.host ?? '');
  const name = match?.[1]?.toLowerCase().replace(/^\[|\]$/g, '') ?? '';
  if (isIP(name) === 0 && name !== 'localhost' && !allowedHosts.includes(name)) {
    return new RpcError('wrong-host', 'the Host header names no address of this node');
  }
  if (
    headers.origin !== undefined &&
    headers.origin.toLowerCase() !== `http://${headers.host!.toLowerCase()}`
  ) {
    return new RpcError('wrong-host', 'the request comes from the page of another site');
  }
  return null;
}
