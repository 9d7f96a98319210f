import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../catalog/load.js';
import { parseCommandLine } from '../../generators/cli/arguments.js';
import { inSession } from '../../generators/cli/session.js';
import { createOsgs, emptyFolder, readTree } from '../run.js';

const root = emptyFolder();
const start = join(root, 'start');
const slow = 900_000;

type Tree = Map<string, { content: string; mode: number }>;

/** The tree but for what is of this machine alone; new secrets are not told apart. */
function tree(folder: string): Tree {
  const files = readTree(folder);
  for (const path of [...files.keys()]) if (path.startsWith('.osgs/local/')) files.delete(path);
  const env = files.get('.env');
  if (env) files.set('.env', { ...env, content: env.content.replace(/^(MARTIN_DB_PASSWORD=).+$/m, '$1') });
  return files;
}

function runChild(folder: string, how: string, point: number): Promise<{ ended: boolean; count: number }> {
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      [join(packageRoot(), 'dist/test/fault/child.js'), how, String(point)],
      { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.on('close', (code) => done({ ended: code === 0, count: Number(output) }));
  });
}

/** What the next start finds and puts in order. */
async function startAgain(folder: string): Promise<void> {
  await inSession(folder, parseCommandLine(['--yes']), () => Promise.resolve(0));
}

let old: Tree;
let made: Tree;
let points: number;
/** The first point from which on the new tree holds. */
let turning: number;

beforeAll(async () => {
  const ran = createOsgs([
    start,
    '--yes',
    '--services',
    'postgis,qgis-server',
    '--domain',
    'gis.example.org',
  ]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  appendFileSync(join(start, 'Makefile'), '# mine\n');
  old = tree(start);
  const whole = join(root, 'whole');
  cpSync(start, whole, { recursive: true });
  ({ count: points } = await runChild(whole, 'kill', 0));
  made = tree(whole);
}, slow);

/** Runs one point, starts again, and tells which tree is there. */
async function outcome(how: string, point: number): Promise<'old' | 'new' | 'neither'> {
  const folder = join(root, `${how}-${point}`);
  cpSync(start, folder, { recursive: true });
  const ran = await runChild(folder, how, point);
  expect({ how, point, ended: ran.ended }).toEqual({ how, point, ended: false });
  await startAgain(folder);
  const after = tree(folder);
  const left = existsSync(join(folder, '.osgs/local')) ? readdirSync(join(folder, '.osgs/local')) : [];
  expect({ how, point, left: left.filter((name) => !['.gitignore', 'undo'].includes(name)) }).toEqual({
    how,
    point,
    left: [],
  });
  const same = (expected: Tree): boolean =>
    after.size === expected.size &&
    [...after].every(
      ([path, file]) =>
        file.content === expected.get(path)?.content && file.mode === expected.get(path)?.mode,
    );
  rmSync(folder, { recursive: true });
  return same(old) ? 'old' : same(made) ? 'new' : 'neither';
}

/** Every so many of the points. */
const every = (step: number): number[] =>
  Array.from({ length: Math.ceil(points / step) }, (_, index) => 1 + index * step);

async function outcomes(how: string, which: number[]): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const waiting = [...which];
  const work = async (): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      const tells = await outcome(how, point);
      found.set(tells, [...(found.get(tells) ?? []), point]);
    }
  };
  await Promise.all([work(), work()]);
  return found;
}

test('the run that is killed writes, and the edited file stays', () => {
  expect(points).toBeGreaterThan(200);
  expect(made.get('compose.yaml')?.content).toContain('martin');
  expect(made.get('Makefile')).toEqual(old.get('Makefile'));
  expect(readFileSync(join(start, 'Makefile'), 'utf8')).toContain('# mine');
});

test(
  'killed at any write, the next start finds exactly the old tree or makes it exactly the new one',
  async () => {
    const found = await outcomes('kill', every(1));
    expect(found.get('neither') ?? []).toEqual([]);
    // Up to one point the old tree holds, from there on the new one.
    expect(Math.max(...(found.get('old') ?? []))).toBeLessThan(Math.min(...(found.get('new') ?? [])));
    expect([...found.values()].flat()).toHaveLength(points);
    turning = Math.min(...(found.get('new') ?? []));
  },
  slow,
);

test(
  'on a full disk the run fails, and the tree is the old one or, after the next start, the new one',
  async () => {
    // And each of those around the one that decides.
    const near = Array.from({ length: 12 }, (_, index) => turning - 4 + index).filter((at) => at <= points);
    expect((await outcomes('fail', [...new Set([...every(7), ...near])])).get('neither') ?? []).toEqual([]);
  },
  slow,
);
