import { join } from 'node:path';
import type { Catalog } from '../../catalog/service.js';
import { updateAnswers } from '../stack/answers-update.js';
import { formatAnswers, type Answers } from '../stack/answers.js';
import { completeEnv, envKeys, usedKeys, type EnvEntry } from '../stack/env.js';
import { hasMarkers } from '../stack/merge-text.js';
import { hash, merge, settle, type Change, type DiskFile, type Settlement } from '../stack/merge.js';
import { ProblemError, type Locate } from '../stack/problem.js';
import { render, type FileSet, type Template } from '../stack/render.js';
import { resolve } from '../stack/resolve.js';
import type { Stack } from '../stack/stack.js';
import { insideOf, readDisk, readInside } from '../repository/disk.js';
import { loadTemplates } from '../repository/templates.js';
import { ignoredPaths } from '../repository/git.js';
import type { Seen, Write } from '../repository/transaction.js';
import { withDefaults } from './questions.js';
import { basePath, formatManifest, manifestPath, readBase, readManifest } from '../repository/manifest.js';

/** All that a run will do, decided before the first byte is written. */
export interface Plan {
  stack: Stack;
  /** The files of the repository that the owner sees, conflicts among them. */
  changes: Change[];
  /** What create-osgs keeps for the next run; the manifest is the last file to be written. */
  own: Change[];
  env: EnvEntry[];
  files: FileSet;
  /** The version that made the repository; undefined where it is new. */
  before: string | undefined;
  seen: Seen;
}

export interface PlanOptions {
  directory: string;
  catalog: Catalog;
  version: string;
  locate?: Locate;
  /** The templates, where they are not those of this package. */
  templates?: Template[];
  /** Whether git may be asked what it ignores. */
  git?: boolean;
}

/** Decides a run. Throws a ProblemError where the answers are wrong. Writes nothing. */
export function makePlan(answers: Answers, options: PlanOptions): Plan {
  const { directory, catalog, version, locate, git } = options;
  const resolved = resolve(answers, catalog, locate);
  if ('problems' in resolved) throw new ProblemError(resolved.problems);
  const { stack } = resolved;
  const rendered = render(stack, options.templates ?? loadTemplates(catalog));
  const files = rendered.files;
  refuseOutside(directory, files.keys());
  const seen: Seen = new Map();
  const look = (path: string): DiskFile | undefined => {
    const file = readDisk(directory, path);
    seen.set(path, file?.kind === 'text' ? hash(file.text) : undefined);
    return file;
  };
  const manifest = readManifest(directory);
  const before = Object.keys(manifest?.files ?? {});
  const ignored =
    git === false ? new Set() : ignoredPaths(directory, [...new Set([...before, ...files.keys()])]);
  const changes = merge(
    before,
    files,
    {
      base: (path) => readBase(directory, manifest, path),
      mine: look,
      ignored: (path) => ignored.has(path),
    },
    { mine: 'yours', base: 'as generated last time', next: `create-osgs ${version}` },
  );

  const mine = (path: string): string | undefined => readInside(directory, path);
  for (const path of ['osgs.yaml', '.env']) look(path);
  const settled = mine('osgs.yaml');
  const text = settled === undefined ? formatAnswers(answers) : updateAnswers(settled, answers);
  const inUse = keysInUse(directory, changes);
  const known = envKeys(mine(basePath('.env.example')) ?? '').filter((key) => !inUse.has(key));
  const values = completeEnv(mine('.env'), rendered.env, known);
  refuseLink(directory, 'osgs.yaml', settled !== text);
  refuseLink(directory, '.env', mine('.env') !== values);
  changes.push(exact('osgs.yaml', settled, text, 0o644), exact('.env', mine('.env'), values, 0o600));

  const own: Change[] = [...files].map(([path, { content, mode }]) =>
    exact(basePath(path), mine(basePath(path)), content, mode),
  );
  for (const path of before) {
    if (!files.has(path) && mine(basePath(path)) !== undefined)
      own.push({ path: basePath(path), action: 'removed' });
  }
  own.push(exact(manifestPath, mine(manifestPath), formatManifest(version, files), 0o644));
  return { stack, changes, own, env: rendered.env, files, before: manifest?.generator, seen };
}

/**
 * The keys of `.env` that a compose file of the owner's uses after the changes, whatever this stack's own need: they are
 * to keep their values. In a conflict the owner may yet choose his own file.
 */
export function keysInUse(directory: string, changes: Change[]): Set<string> {
  const merged = changes.find(({ path }) => path === 'compose.yaml')?.file?.content;
  const texts = [merged ?? readInside(directory, 'compose.yaml')];
  for (const path of ['compose.override.yaml', 'compose.override.yml'])
    texts.push(readInside(directory, path));
  return new Set(texts.flatMap((text) => usedKeys(text ?? '')));
}

/** Decides a run of which nothing is asked: what is open takes its default. */
export function planWithDefaults(options: PlanOptions & { known: Partial<Answers> }): Plan {
  return makePlan(withDefaults(options.known, options), options);
}

/** A file that is not merged: what it shall be is known. */
export function exact(path: string, present: string | undefined, content: string, mode: number): Change {
  if (present === content) return { path, action: 'unchanged' };
  return {
    path,
    action: present === undefined ? 'created' : 'updated',
    file: { content, mode, kind: 'managed' },
  };
}

/** Whether a run would write anything. */
export function differs({ changes, own }: Pick<Plan, 'changes' | 'own'>): boolean {
  return [...changes, ...own].some(
    ({ file, action }) => file !== undefined || ['removed', 'conflict'].includes(action),
  );
}

/** What is written and removed, the manifest last. */
export function plannedWrites({ changes, own }: Pick<Plan, 'changes' | 'own'>): Write[] {
  return [...changes, ...own]
    .filter(({ file, action }) => file !== undefined || action === 'removed')
    .map(({ path, file }) => (file ? { path, content: file.content, mode: file.mode } : { path }));
}

/** The conflicts that nobody has decided. */
export function openConflicts(changes: Change[]): Change[] {
  return changes.filter(({ action, file }) => action === 'conflict' && file === undefined);
}

/** Decides every conflict in the same way, as far as its file allows. */
export function settleAll(changes: Change[], choice: Settlement): Change[] {
  return changes.map((change) =>
    change.conflict && change.file === undefined ? settle(change, choice) : change,
  );
}

/** Whether conflict markers are left in the files once the changes are written. */
export function leavesMarkers(changes: Change[]): boolean {
  return changes.some(
    ({ action, file }) => action === 'conflict' && file !== undefined && hasMarkers(file.content),
  );
}

/** A link to the owner's own store of secrets, say, is not replaced by a file. */
function refuseLink(directory: string, path: string, changed: boolean): void {
  if (!changed || readDisk(directory, path)?.kind !== 'other') return;
  throw new ProblemError([
    {
      file: join(directory, path),
      message: 'is a symbolic link, and this run would have to write it',
      remedy: `Put a file in its place, or write the change yourself: 'create-osgs diff' shows it.`,
    },
  ]);
}

function refuseOutside(directory: string, paths: Iterable<string>): void {
  const inside = insideOf(directory);
  for (const path of paths) {
    if (inside(path) !== undefined) continue;
    throw new ProblemError([
      {
        file: join(directory, path),
        message: 'leads out of the directory by a symbolic link',
        remedy: 'Replace the link by a real folder.',
      },
    ]);
  }
}
