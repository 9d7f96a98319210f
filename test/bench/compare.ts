import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { stripVTControlCharacters } from 'node:util';
import { loadCatalog, packageRoot } from '../../catalog/load.js';
import { listFiles } from '../../generators/repository/disk.js';
import { pack } from '../package/pack.js';
import { Registry } from '../package/registry.js';
import { environment, starter, tool } from '../package/tools.js';
import { run } from '../run.js';
import { choosable, compatible, domainFlags } from '../stacks.js';
import { others, type Contender } from './contenders.js';
import { scratchFolder } from './scratch.js';

/** Every figure of one package: the runs' values, in milliseconds but for sizes (bytes), counts and memory (MiB). */
export interface Comparison {
  name: string;
  version: string;
  figures: Record<string, number[]>;
}

const node = 'node-24';
const runs = 5;
const catalog = loadCatalog();
const whole = compatible(choosable(catalog), catalog);
const ten = whole.slice(0, 10);
const stackOf = (ids: string[]): string[] => [
  'made',
  '--yes',
  `--services=${ids.join(',')}`,
  ...domainFlags(ids, catalog),
];

/** Runs everything `runs` times, the packages in turn, so that a busy moment of the machine meets all of them. */
export async function compare(): Promise<Comparison[]> {
  const registry = await Registry.start(
    4880,
    process.env.npm_config_registry ?? 'https://registry.npmjs.org/',
  );
  try {
    const tarball = pack();
    registry.publish(tarball);
    const own: Contender = {
      name: 'create-osgs',
      version: (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string })
        .version,
      bin: 'create-osgs',
      start: ['create', '--yes', 'osgs@latest', '--'],
      done: stackOf(ten),
      prompt: { args: [], sees: /Directory/ },
    };
    const measured = [own, ...others].map((contender) => new Measured(contender, registry.url));
    for (const one of measured) {
      await one.install(registry);
      await one.probe();
    }
    for (let turn = 0; turn < runs; turn++) {
      for (const one of measured) await one.measure();
      measured[0]?.measureOwn();
      console.log(`compared ${turn + 1} of ${runs} times`);
    }
    return measured.map(({ contender: { name, version }, figures }) => ({ name, version, figures }));
  } finally {
    await registry.stop();
  }
}

/** The version of Node that all are compared on. */
export function nodeVersion(): string {
  return run(tool(`${node}/bin/node`), ['--version'], {}).stdout.trim();
}

class Measured {
  readonly figures: Record<string, number[]> = {};
  private readonly home = scratchFolder();
  private readonly leftOut = new Set<string>();

  constructor(
    readonly contender: Contender,
    private readonly registry: string,
  ) {}

  /** Gets the package once, untimed: the registry of this machine has it then, and so has this home's cache. */
  async install(registry: Registry): Promise<void> {
    const { start, name, version } = this.contender;
    const spec = start
      .find((word) => word.includes('@'))
      ?.replace(/^/, start[0] === 'create' ? 'create-' : '');
    const ran = run(...this.words(['exec', '--yes', `--package=${spec ?? ''}`, '-c', 'true'], this.home));
    if (ran.code !== 0) throw new Error(ran.stderr);
    const lock = JSON.parse(readFileSync(join(this.installed, '.package-lock.json'), 'utf8')) as {
      packages: object;
    };
    this.add('packages', Object.keys(lock.packages).length);
    this.add('unpacked', sizeBelow(this.installed));
    const answer = await fetch(`${registry.url}${name}/-/${name}-${version}.tgz`, {
      // The registry closes what is idle while this process waits for others.
      headers: { connection: 'close' },
    });
    this.add('tarball', (await answer.arrayBuffer()).byteLength);
  }

  /** Tries, untimed, what is to be timed: some need more network than a registry, and are left out where there is none. */
  async probe(): Promise<void> {
    const { done, prompt, name } = this.contender;
    const leaveOut = (what: string, error: unknown): void => {
      console.log(`${name} is not timed to ${what}: ${String(error).split('\n')[0] ?? ''}`);
      this.leftOut.add(what);
    };
    try {
      if (done) this.time(this.direct([this.file, ...done]));
    } catch (error) {
      leaveOut('done', error);
    }
    try {
      if (prompt) await this.see(this.direct([this.file, ...prompt.args]), prompt.sees);
    } catch (error) {
      leaveOut('its first question', error);
    }
  }

  async measure(): Promise<void> {
    const { start, done, prompt } = this.contender;
    const { file } = this;
    if (done && !this.leftOut.has('done')) {
      this.add('cold to done', this.time(this.words([...start, ...done], scratchFolder())));
      this.add('done', this.time(this.direct([file, ...done])));
      this.add('memory', this.memory([file, ...done]));
    }
    if (prompt && !this.leftOut.has('its first question')) {
      const words = [...start, ...prompt.args];
      this.add('cold to first prompt', await this.see(this.words(words, scratchFolder()), prompt.sees));
      this.add('warm to first prompt', await this.see(this.words(words, this.home), prompt.sees));
      this.add('first prompt', await this.see(this.direct([file, ...prompt.args]), prompt.sees));
    }
    this.add('help', this.time(this.direct([file, '--help'])));
  }

  /** What create-osgs alone is measured for. */
  measureOwn(): void {
    const { file } = this;
    this.add('version', this.time(this.direct([file, '--version'])));
    this.add('node -e 0', this.time(this.direct(['-e', '0'])));
    this.add('a hundred empty files', hundredFiles());
    const words = this.direct([file, ...stackOf(ten)]);
    this.add('ten services', this.time(words));
    this.add('files of ten services', listFiles(words[2]?.cwd ?? '').length);
    this.add('whole catalogue', this.time(this.direct([file, ...stackOf(whole)])));
    this.add('memory of the whole catalogue', this.memory([file, ...stackOf(whole)]));
  }

  private add(figure: string, value: number): void {
    (this.figures[figure] ??= []).push(Math.round(value));
  }

  /** The node_modules into which npm installed the package to run it. */
  private get installed(): string {
    const npx = join(this.home, 'npm cache/_npx');
    return join(npx, readdirSync(npx)[0] ?? '', 'node_modules');
  }

  /** The command, as npm has installed it. */
  private get file(): string {
    return join(this.installed, '.bin', this.contender.bin);
  }

  /** A command line of npm in an empty folder. */
  private words(args: string[], home: string): Parameters<typeof run> {
    const [program = '', ...words] = starter(node, 'npm');
    return this.inEmptyFolder(program, [...words, ...args], home);
  }

  private direct(args: string[]): Parameters<typeof run> {
    return this.inEmptyFolder(tool(`${node}/bin/node`), args, this.home);
  }

  private inEmptyFolder(program: string, args: string[], home: string): Parameters<typeof run> {
    const cwd = scratchFolder();
    return [program, args, { cwd, env: environment(node, home, this.registry), input: '', timeout: 300_000 }];
  }

  private time(words: Parameters<typeof run>): number {
    const began = performance.now();
    const ran = run(...words);
    const took = performance.now() - began;
    if (ran.code !== 0)
      throw new Error(`${words[1].join(' ')}: ${ran.stderr.slice(-2000)}${ran.stdout.slice(-2000)}`);
    return took;
  }

  private memory(args: string[]): number {
    const [program, words, options] = this.direct([
      '--import',
      join(packageRoot(), 'dist/test/bench/record.js'),
      ...args,
    ]);
    const record = join(scratchFolder(), 'memory');
    this.time([program, words, { ...options, env: { ...options?.env, OSGS_BENCH_RECORD: record } }]);
    return Number(readFileSync(record, 'utf8')) / 1024;
  }

  /** The time until a text is on the screen of a pseudo-terminal; the program is killed then. */
  private see([program, args, options]: Parameters<typeof run>, sees: RegExp): Promise<number> {
    const command = [program, ...args].map((word) => `'${word}'`).join(' ');
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn('script', ['-qec', `stty cols 100 rows 40; exec ${command}`, '/dev/null'], {
        cwd: options?.cwd,
        env: options?.env,
        detached: true,
      });
      let shown = '';
      let took: number | undefined;
      const kill = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
      const late = setTimeout(kill, 300_000);
      child.stdout.on('data', (data: Buffer) => {
        shown += data.toString();
        if (took !== undefined || !sees.test(stripVTControlCharacters(shown))) return;
        took = performance.now() - began;
        kill();
      });
      child.on('close', () => {
        clearTimeout(late);
        if (took === undefined) reject(new Error(`${command} did not ask:\n${shown.slice(-2000)}`));
        else resolve(took);
      });
    });
  }
}

/** What the disk itself takes at this moment, in milliseconds. */
function hundredFiles(): number {
  const folder = scratchFolder();
  const began = performance.now();
  for (let n = 0; n < 100; n++) writeFileSync(join(folder, String(n)), '');
  return performance.now() - began;
}

function sizeBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
