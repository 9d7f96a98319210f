// Times the command as its user runs it, beside others, and on stacks of generated services and domains.
//   npm run bench              everything; writes BENCHMARKS.md and test/bench/results.json
//   npm run bench -- 50 20     one size of stack: services, domains
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { command } from '../run.js';
import { choosable, compatible, domainFlags, madeUpHead } from '../stacks.js';
import { compare, nodeVersion } from './compare.js';
import { benchmarksPage } from './page.js';
import type { Rerun, Results } from './results.js';
import { scratch, scratchFolder } from './scratch.js';

/** A package whose templates all say something else: a newer version of this one. */
function newerPackage(): string {
  const folder = join(scratch, 'newer');
  cpSync(dirname(command), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  renameSync(join(folder, 'templates.cjs'), join(folder, 'before.cjs'));
  writeFileSync(
    join(folder, 'templates.cjs'),
    `const more = (text) => (text.trim() === '' ? text : text + '# newer\\n');
module.exports = require('./before.cjs').map((template) =>
  /\\.(geojson|qgs|html|json)$/.test(template.path)
    ? template
    : { ...template, text: more(template.text), ...(template.run && { run: (...given) => more(template.run(...given)) }) },
);
`,
  );
  return join(folder, 'main.js');
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
      healthcheck: { test: [CMD, "true"], interval: 30s, timeout: 5s, retries: 3 }
      deploy: { resources: { limits: { memory: 64M } } }
  volumes: { ${id}: }
routes:
  - { upstream: "${id}:80", path: /${id}/, paths: free, prefix: keep, own: root, access: public }
state:
  - { volume: ${id} }
checks:
  - { path: "", status: 200 }
`,
    );
  }
}

function once(program: string, args: string[]): { ms: number; mib: number } {
  const record = join(scratch, 'memory');
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
  const runs = [1, 2, 3].map(() => {
    const copy = scratchFolder();
    cpSync(folder, copy, { recursive: true });
    return run(copy);
  });
  return {
    ms: Math.round(Math.min(...runs.map(({ ms }) => ms))),
    mib: Math.round(Math.min(...runs.map(({ mib }) => mib))),
  };
}

function benchOne(services: number, domains: number, newer: string): Rerun[] {
  const catalog = join(scratch, `catalog-${services}`);
  makeCatalog(catalog, services + 1);
  const folder = join(scratch, `stack-${services}-${domains}`);
  const config = join(scratch, 'answers.yaml');
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
  const created = once(command, [folder, ...common, '--config', config]);
  const files = countFiles(folder);
  const rows: [string, { ms: number; mib: number }][] = [
    ['create', { ms: Math.round(created.ms), mib: Math.round(created.mib) }],
    ['re-run, nothing to do', measure(folder, (copy) => once(command, [copy, ...common]))],
    [
      'add one service',
      measure(folder, (copy) => onceIn(copy, command, ['add', `service${services}`, ...common])),
    ],
    [
      'upgrade of every file',
      measure(folder, (copy) => {
        touchAll(join(catalog, 'templates'));
        return onceIn(copy, newer, ['upgrade', ...common]);
      }),
    ],
  ];
  return rows.map(([run, { ms, mib }]) => ({ services, domains, files, run, ms, mib }));
}

/** The whole catalogue of this package, run again. */
function benchReal(): Rerun {
  const folder = join(scratch, 'real');
  const catalog = loadCatalog();
  const ids = compatible(choosable(catalog), catalog);
  once(command, [folder, '--yes', '--no-git', `--services=${ids.join(',')}`, ...domainFlags(ids, catalog)]);
  const figure = measure(folder, (copy) => once(command, [copy, '--yes', '--no-git']));
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
    return once(command, args);
  } finally {
    process.chdir(back);
  }
}

async function main(): Promise<void> {
  const [services, domains] = process.argv.slice(2).map(Number);
  const sizes: [number, number][] =
    services === undefined
      ? [10, 50, 500].flatMap((some) => [1, 20, 500].map((hosts): [number, number] => [some, hosts]))
      : [[services, domains ?? 1]];
  const compared = services === undefined ? await compare() : [];
  const newer = newerPackage();
  const reruns: Rerun[] = [];
  console.log('services domains  files  run                        ms    MiB  ms/file');
  const print = (figure: Rerun): void => {
    reruns.push(figure);
    const { services: some, domains: hosts, run, ms, mib, files } = figure;
    console.log(
      `${String(some).padStart(8)} ${String(hosts).padStart(7)} ${String(files).padStart(6)}  ${run.padEnd(22)} ${String(ms).padStart(6)} ${String(mib).padStart(6)} ${(ms / files).toFixed(2).padStart(8)}`,
    );
  };
  if (services === undefined) print(benchReal());
  for (const [some, hosts] of sizes) benchOne(some, hosts, newer).forEach(print);
  if (services !== undefined) return;
  const results: Results = {
    node: { compared: nodeVersion(), reruns: process.version },
    cores: availableParallelism(),
    compared,
    reruns,
  };
  writeFileSync(join(packageRoot(), 'test/bench/results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(packageRoot(), 'BENCHMARKS.md'), benchmarksPage(results));
}

await main();
