import { createServer } from 'node:net';
import type { NodeConfig } from '../settings/index.js';
import { type Finding, fault, ok } from './finding.js';

/** Are the node's ports free, or held by the node itself? */
export async function portFindings(
  { rpc, listen }: NodeConfig,
  isRunning: boolean,
): Promise<readonly Finding[]> {
  if (isRunning) return [ok('ports', `the node itself holds them (RPC ${rpc.port})`)];
  const places = [
    { host: rpc.host, port: rpc.port, setting: 'rpc.port' },
    ...listen.map((address) => {
      const [, , host, , port] = address.split('/');
      return { host: host!, port: Number(port), setting: 'listen' };
    }),
  ];
  const found = (await Promise.all(places.map(placeFinding))).filter((each) => each !== null);
  return found.length > 0 ? found : [ok('ports', `free: ${places.map(({ port }) => port).join(', ')}`)];
}

async function placeFinding({
  host,
  port,
  setting,
}: {
  host: string;
  port: number;
  setting: string;
}): Promise<Finding | null> {
  const code = await listenFault(host, port);
  if (code === null) return null;
  const at = `${host}:${port} (${setting})`;
  if (code === 'EADDRINUSE') {
    return fault(
      'ports',
      `${at} is in use, and not by this node`,
      `stop what holds it ("ss -ltnp sport = :${port}"), or choose another ${setting}`,
    );
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return fault(
      'ports',
      `${at} is no address of this machine`,
      `set ${setting} to one of "ip address", or 0.0.0.0`,
    );
  }
  if (code === 'EACCES') {
    return fault(
      'ports',
      `${at} needs rights that this user lacks`,
      `choose a port above 1023 for ${setting}`,
    );
  }
  return fault('ports', `nothing can listen on ${at} (${code})`, `choose another ${setting}`);
}

function listenFault(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
