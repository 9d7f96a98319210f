// Times the command line as its user runs it, on stacks of generated services and domains.
//   npm run bench              all sizes; prints a table and writes test/bench/results.json
//   npm run bench -- 50 20     one size: services, domains
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { choosable, compatible, domainFlags, madeUpHead } from '../stacks.js';

interface Figure {
  services: number;
  domains: number;
  files: number;
  run: string;
  /** Wall time in milliseconds, the smallest of three runs. */
  ms: number;
  /** Peak resident memory in MiB. */
  mib: number;
}

const root = mkdtempSync(join(tmpdir(), 'osgs-bench-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

/** A package whose templates all say something else: a newer version of this one. */
function newerPackage(): string {
  const folder = join(root, 'newer');
  for (const part of ['dist', 'templates', 'catalog', 'package.json'])
    cpSync(join(packageRoot(), part), join(folder, part), { recursive: true });
  symlinkSync(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'));
  touchAll(join(folder, 'templates'));
  return folder;
}

function touchAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/\.(geojson|qgs|html)(\.ejs)?$/.test(file)) appendFileSync(file, '# newer\n');
  }
}

function makeCatalog(folder: string, services: number): void {
  for (let n = 0; n < services; n++) {
    const id = `service${n}`;
    mkdirSync(join(folder, 'services'), { recursive: true });
    mkdirSync(join(folder, 'templates/services', id), { recursive: true });
    writeFileSync(
      join(folder, 'templates/services', id, 'config.yaml.ejs'),
      'url: <%= route.url %>\nlevel: info\n',
    );
    writeFileSync(
      join(folder, 'services', `${id}.yaml`),
      `${madeUpHead(id, 'tiles', 'A generated service.')}image: { name: example/${id}, tag: "1.0", evidence: Generated. }
memory: 64
settings:
  - { name: password, type: secret, help: A password. }
compose:
  services:
    ${id}:
      user: "1000:1000"
      environment: { PASSWORD: "\${SERVICE${n}_PASSWORD}", URL: "<%= route.url %>" }
      volumes: ["./services/${id}:/config:ro", "${id}:/data"]
      networks: [web]
      healthcheck: { test: [CMD, "true"], interval: 30s, timeout: 5s, retries: 3 }
      deploy: { resources: { limits: { memory: 64M } } }
  volumes: { ${id}: }
routes:
  - { upstream: "${id}:80", path: /${id}/, paths: free, prefix: keep, own: root, access: public }
state:
  - { volume: ${id}, backup: copy of the volume }
checks:
  - { path: "", status: 200 }
`,
    );
  }
}

function once(program: string, args: string[]): { ms: number; mib: number } {
  const record = join(root, 'memory');
  const began = process.hrtime.bigint();
  const ran = spawnSync(
    process.execPath,
    ['--import', join(packageRoot(), 'dist/test/bench/record.js'), program, ...args],
    { encoding: 'utf8', env: { ...process.env, OSGS_BENCH_RECORD: record } },
  );
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  if (ran.status !== 0) throw new Error(`${args.join(' ')}: exit ${ran.status}\n${ran.stderr.slice(-2000)}`);
  return { ms, mib: Number(readFileSync(record, 'utf8')) / 1024 };
}

/** The smallest of three runs, each on a copy of the same folder. */
function measure(
  folder: string,
  run: (copy: string) => { ms: number; mib: number },
): { ms: number; mib: number } {
  const runs = [1, 2, 3].map((n) => {
    const copy = `${folder}-${n}`;
    cpSync(folder, copy, { recursive: true });
    const result = run(copy);
    rmSync(copy, { recursive: true });
    return result;
  });
  return {
    ms: Math.round(Math.min(...runs.map(({ ms }) => ms))),
    mib: Math.round(Math.min(...runs.map(({ mib }) => mib))),
  };
}

function benchOne(services: number, domains: number, newer: string): Figure[] {
  const catalog = join(root, `catalog-${services}`);
  makeCatalog(catalog, services + 1);
  const program = join(packageRoot(), 'dist/generators/cli/main.js');
  const folder = join(root, `stack-${services}-${domains}`);
  const config = join(root, 'answers.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      name: 'bench',
      services: Array.from({ length: services }, (_, n) => `service${n}`),
      domains: Array.from({ length: domains }, (_, n) => ({ host: `host${n}.example.org` })),
      tls: 'self-signed',
    }),
  );
  const common = ['--yes', '--no-git', '--catalog', catalog];
  const created = once(program, [folder, ...common, '--config', config]);
  const files = countFiles(folder);
  const rows: [string, { ms: number; mib: number }][] = [
    ['create', { ms: Math.round(created.ms), mib: Math.round(created.mib) }],
    ['re-run, nothing to do', measure(folder, (copy) => once(program, [copy, ...common]))],
    [
      'add one service',
      measure(folder, (copy) => onceIn(copy, program, ['add', `service${services}`, ...common])),
    ],
    [
      'upgrade of every file',
      measure(folder, (copy) => {
        touchAll(join(catalog, 'templates'));
        return onceIn(copy, join(newer, 'dist/generators/cli/main.js'), ['upgrade', ...common]);
      }),
    ],
  ];
  return rows.map(([run, { ms, mib }]) => ({ services, domains, files, run, ms, mib }));
}

/** The whole catalogue of this package, run again. */
function benchReal(): Figure {
  const program = join(packageRoot(), 'dist/generators/cli/main.js');
  const folder = join(root, 'real');
  const catalog = loadCatalog();
  const ids = compatible(choosable(catalog), catalog);
  once(program, [folder, '--yes', '--no-git', `--services=${ids.join(',')}`, ...domainFlags(ids, catalog)]);
  const figure = measure(folder, (copy) => once(program, [copy, '--yes', '--no-git']));
  return {
    services: ids.length,
    domains: 1,
    files: countFiles(folder),
    run: 'whole catalogue again',
    ...figure,
  };
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
}

function onceIn(folder: string, program: string, args: string[]): { ms: number; mib: number } {
  const back = process.cwd();
  process.chdir(folder);
  try {
    return once(program, args);
  } finally {
    process.chdir(back);
  }
}

function main(): void {
  const [services, domains] = process.argv.slice(2).map(Number);
  const sizes: [number, number][] =
    services === undefined
      ? [10, 50, 500].flatMap((some) => [1, 20, 500].map((hosts): [number, number] => [some, hosts]))
      : [[services, domains ?? 1]];
  const newer = newerPackage();
  const figures: Figure[] = [];
  console.log('services domains  files  run                        ms    MiB  ms/file');
  const print = (figure: Figure): void => {
    figures.push(figure);
    const { services: some, domains: hosts, run, ms, mib, files } = figure;
    console.log(
      `${String(some).padStart(8)} ${String(hosts).padStart(7)} ${String(files).padStart(6)}  ${run.padEnd(22)} ${String(ms).padStart(6)} ${String(mib).padStart(6)} ${(ms / files).toFixed(2).padStart(8)}`,
    );
  };
  if (services === undefined) print(benchReal());
  for (const [some, hosts] of sizes) benchOne(some, hosts, newer).forEach(print);
  if (services !== undefined) return;
  const record = { node: process.version, cores: availableParallelism(), figures };
  writeFileSync(join(packageRoot(), 'test/bench/results.json'), `${JSON.stringify(record, null, 2)}\n`);
}

main();
