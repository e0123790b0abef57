import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesToHex } from '../../crypto/index.js';
import { presets } from '../../genesis/index.js';
import { freePorts, newKeys } from '../../node/provision/index.js';
import { shellBlocks } from '../support/pages.js';
import { program, root } from '../support/processes.js';

/**
 * The pages of docs/operate/, run as they stand: every block that begins with ```sh, in one shell a page, on one network.
 * Three things stand in for what the pages take for granted: `consilium` is this program, `systemctl` starts and stops
 * its processes (and fails if one does not end in the time that the unit gives it), and the pages' ports become free ones.
 */
const pages = ['network', 'monitoring', 'backup', 'restore', 'upgrade', 'disaster-recovery', 'key-rotation'];
const PAGE_PORTS = [4001, 4002, 4011, 4012, 4021, 4022, 4031, 4032, 4041, 4042];

const dir = mkdtempSync(join(tmpdir(), 'consilium-operate-'));
const bin = join(dir, 'bin');
let ports: number[];

beforeAll(async () => {
  ports = await freePorts(PAGE_PORTS.length);
  mkdirSync(bin);
  const script = (name: string, body: string) => {
    writeFileSync(join(bin, name), `#!/bin/bash\nset -euo pipefail\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  script('consilium', `exec ${program.join(' ')} "$@"`);
  script('systemctl', systemctl);
  const params = {
    ...presets.local,
    eraHeights: 4,
    agreement: { ...presets.local.agreement, heartbeatMs: 300 },
  };
  const publisher = {
    role: 'publisher',
    name: 'publisher',
    hospital: '',
    level: 1,
    vrfPublicKey: null,
    balance: 1_000,
  };
  const publicKey = bytesToHex(newKeys('other').publicKey);
  writeFileSync(join(dir, 'params.json'), JSON.stringify(params));
  writeFileSync(join(dir, 'publishers.json'), JSON.stringify([{ ...publisher, publicKey }]));
});

afterAll(() => {
  for (const name of ['north', 'east', 'south', 'west', 'fifth']) {
    execFileSync(join(bin, 'systemctl'), ['kill', `consilium@${name}`], { cwd: dir });
  }
  rmSync(dir, { recursive: true, force: true });
});

it.each(pages)(
  'docs/operate/%s.md does what it says',
  async (page) => {
    const blocks = shellBlocks(readFileSync(join(root, 'docs/operate', `${page}.md`), 'utf8'));
    const commands = PAGE_PORTS.reduce(
      (all, port, index) => all.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(ports[index])),
      blocks.join(''),
    );
    const child = spawn('bash', ['-c', `set -euo pipefail\nset -x\n${commands}`], {
      cwd: dir,
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: dir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    expect([code, code === 0 ? '' : `${out}\n${errors}`.slice(-3_000)]).toEqual([0, '']);
  },
  400_000,
);

/** start, stop, kill of consilium@NAME: the process whose configuration is ./NAME/config.json. */
const systemctl = String.raw`
cd "${dir}"
name="\${2#consilium@}"
pid=$(cat "$name.pid" 2>/dev/null || true)
case "$1" in
  start)
    consilium="${bin}/consilium"
    setsid "$consilium" node start --config "$name/config.json" >"$name.out" 2>>"$name.log" </dev/null &
    echo $! >"$name.pid"
    for _ in $(seq 600); do
      grep -q '"ready"' "$name.out" && exit 0
      kill -0 "$(cat "$name.pid")" 2>/dev/null || { tail -5 "$name.log" >&2; exit 1; }
      sleep 0.1
    done
    exit 1 ;;
  stop)
    [ -n "$pid" ] || exit 0
    kill -TERM "$pid" 2>/dev/null || exit 0
    for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || { rm "$name.pid"; exit 0; }; sleep 0.1; done
    echo "$name does not end in 30 s" >&2
    exit 1 ;;
  kill)
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true ;;
esac`.replaceAll('\\$', '$');
