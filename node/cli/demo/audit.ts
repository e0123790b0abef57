import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AuditReport } from '../../../audit/index.js';
import { CliError } from '../failure.js';

const OUTPUT_CHARS_MAX = 16 * 1024 * 1024;

/**
 * Replays an exported chain in a process of its own, which gets the two files and nothing else: what any auditor
 * would run. Throws CliError "check-failed" if there is no report.
 */
export async function auditApart(file: string, genesis: string, signal: AbortSignal): Promise<AuditReport> {
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  const args = [program, 'chain', 'verify', file, '--genesis', genesis, '--json'];
  const { output, errors } = await run(process.execPath, args, signal);
  const line = output.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as AuditReport; // our own program's, of this version
  } catch (cause) {
    throw new CliError('check-failed', `the audit gave no report: ${errors.trim() || line}`, null, { cause });
  }
}

function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
    const text = { output: '', errors: '' };
    const collect = (name: keyof typeof text) => (chunk: string) => {
      if (text[name].length < OUTPUT_CHARS_MAX) text[name] += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect('output'));
    child.stderr.setEncoding('utf8').on('data', collect('errors'));
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
