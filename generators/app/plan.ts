import { join } from 'node:path';
import type { Catalog } from '../../catalog/service.js';
import { formatAnswers, updateAnswers, type Answers } from '../stack/answers.js';
import { completeEnv, type EnvEntry } from '../stack/env.js';
import { hash, merge, type Change } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';
import { render, type FileSet } from '../stack/render.js';
import { resolve, type Locate } from '../stack/resolve.js';
import type { Stack } from '../stack/stack.js';
import { insidePath, loadTemplates, readInside, readManifest } from './disk.js';

/** All that a run will do, decided before the first byte is written. */
export interface Plan {
  stack: Stack;
  changes: Change[];
  env: EnvEntry[];
  files: FileSet;
}

/** Decides a run. Throws a ProblemError where the answers are wrong. Writes nothing. */
export function makePlan(
  answers: Answers,
  directory: string,
  catalog: Catalog,
  version: string,
  locate?: Locate,
): Plan {
  const resolved = resolve(answers, catalog, locate);
  if ('problems' in resolved) throw new ProblemError(resolved.problems);
  const { stack } = resolved;
  const rendered = render(stack, loadTemplates(catalog));
  const files = rendered.files;
  const base = readManifest(directory);
  const leaving = [...files.keys()].find((path) => insidePath(directory, path) === undefined);
  if (leaving !== undefined) {
    throw new ProblemError([
      {
        file: join(directory, leaving),
        message: 'leads out of the directory by a symbolic link',
        remedy: 'Replace the link by a real folder.',
      },
    ]);
  }
  const mine = (path: string): string | undefined => readInside(directory, path);
  const changes = merge(base, files, mine);

  const settled = mine('osgs.yaml');
  const text = settled === undefined ? formatAnswers(answers) : updateAnswers(settled, answers);
  changes.push(own('osgs.yaml', settled, text, 0o644));
  const present = mine('.env');
  changes.push(own('.env', present, completeEnv(present, rendered.env), 0o600));

  // The base, for the next run; the manifest is the last file to be written.
  for (const [path, file] of files) {
    const stored = `.osgs/base/${path}`;
    changes.push(own(stored, mine(stored), file.content, 0o644));
  }
  for (const path of Object.keys(base?.files ?? {})) {
    if (!files.has(path) && mine(`.osgs/base/${path}`) !== undefined)
      changes.push({ path: `.osgs/base/${path}`, action: 'removed' });
  }
  const hashes = Object.fromEntries([...files].map(([path, file]) => [path, hash(file.content)]));
  const manifest = `${JSON.stringify({ generator: version, files: hashes }, null, 2)}\n`;
  changes.push(own('.osgs/manifest.json', mine('.osgs/manifest.json'), manifest, 0o644));
  return { stack, changes, env: rendered.env, files };
}

function own(path: string, present: string | undefined, content: string, mode: number): Change {
  if (present === content) return { path, action: 'unchanged' };
  return {
    path,
    action: present === undefined ? 'created' : 'updated',
    file: { content, mode, kind: 'managed' },
  };
}
