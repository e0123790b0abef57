import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const TIMEOUT_MS = 60_000;

/** POSTs JSON text over a kept-alive connection; the answer parsed. Throws on anything that is not JSON. */
export function post(url: string, body: string): Promise<unknown> {
  return send(url, 'POST', body);
}

export function get(url: string): Promise<unknown> {
  return send(url, 'GET', '');
}

function send(url: string, method: string, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers =
      body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, { agent, method, headers, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 200)}`));
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer within ${TIMEOUT_MS} ms`)));
    call.on('error', reject);
    call.end(body);
  });
}
