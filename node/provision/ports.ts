import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Ports are kept for good, so they come from below those that systems hand out to outgoing connections (Linux from
 * 32768 on): while a node is down, any program's connection might take one of them, and a peer that dials it again
 * and again can even connect to itself there.
 */
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;
const ATTEMPTS_MAX = 10_000;

/**
 * `count` distinct TCP ports that are free on loopback at this moment, all held open while they are chosen.
 * Another program may take one before a node does; that is told when the node starts.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let attempt = 0; servers.length < count; attempt += 1) {
      // With nearly all of them taken it is the system's choice that may still find one.
      const server =
        attempt < ATTEMPTS_MAX ? await listenIfFree(randomInt(PORT_MIN, PORT_MAX)) : await listen(0);
      if (server !== null) servers.push(server);
    }
    return servers.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(servers.map(close));
  }
}

/** Can a server listen on this port of loopback now? */
export async function isPortFree(port: number): Promise<boolean> {
  const server = await listenIfFree(port);
  if (server !== null) await close(server);
  return server !== null;
}

async function listenIfFree(port: number): Promise<Server | null> {
  try {
    return await listen(port);
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
