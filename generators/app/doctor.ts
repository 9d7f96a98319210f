import { join } from 'node:path';
import { filesForGit } from '../repository/git.js';
import { readInside, statOf } from '../repository/disk.js';
import { manifestPath, readBase, readManifest, type Manifest } from '../repository/manifest.js';
import { isInterrupted } from '../repository/transaction.js';
import { stackWarnings } from '../stack/administration.js';
import { hasMarkers, sameLines } from '../stack/merge-text.js';
import { compareVersions } from '../stack/migrations.js';
import type { Problem } from '../stack/problem.js';
import type { Plan } from './plan.js';

/** What is read for secrets where git cannot say which files it would take. */
const ownersFiles = ['osgs.yaml', 'compose.override.yaml', 'compose.override.yml', 'make/local.mk'];

/** How a repository is. */
export interface Diagnosis {
  /** What is to be mended, and how. */
  problems: Problem[];
  /** What to know of the stack itself: no error, and nothing that a run would change. */
  warnings: string[];
  /** Generated files that are not as they were generated. */
  edited: string[];
  /** Generated files that are gone. */
  deleted: string[];
  /** How many files were generated. */
  generated: number;
}

/** Looks at a repository; `plan` is what a run would do to it. Writes nothing. */
export function diagnose(directory: string, plan: Plan, version: string, git: boolean): Diagnosis {
  const manifest = readManifest(directory);
  const paths = Object.keys(manifest?.files ?? {});
  const read = (path: string): string | undefined => readInside(directory, path);
  const base = (path: string): string | undefined => readBase(directory, manifest, path)?.text;
  const deleted = paths.filter((path) => read(path) === undefined);
  const edited = paths.filter((path) => {
    const text = read(path);
    return text !== undefined && !sameLines(text, base(path) ?? '');
  });
  const others = git ? filesForGit(directory) : undefined;
  const problems = [
    ...interruption(directory),
    ...lastTime(manifest, [...edited, ...deleted], base, others),
    ...markers(edited, read, base),
    ...environment(directory, plan, others),
    ...leaks(directory, plan, others ?? [...paths, ...ownersFiles]),
  ];
  return {
    problems: [...problems, ...pending(plan, version, problems)],
    warnings: stackWarnings(plan.stack),
    edited,
    deleted,
    generated: paths.length,
  };
}

function interruption(directory: string): Problem[] {
  if (!isInterrupted(directory)) return [];
  return [{ message: 'the last run was interrupted', remedy: "'create-osgs diff' puts it in order first." }];
}

/** Without what it generated last time, the next run cannot tell the owner's edits from its own changes. */
function lastTime(
  manifest: Manifest | undefined,
  changed: string[],
  base: (path: string) => string | undefined,
  others: string[] | undefined,
): Problem[] {
  const remedy = "Take it from git: 'git checkout .osgs'.";
  if (!manifest) {
    const message = 'is not there: the next run takes every file that it would write otherwise for yours';
    return [{ file: manifestPath, message, remedy }];
  }
  const problems: Problem[] = changed
    .filter((path) => base(path) === undefined)
    .map((path) => ({
      file: join('.osgs/base', path),
      message: `is not what was generated: the next run cannot merge what you changed in ${path}`,
      remedy,
    }));
  if (others && !others.includes(manifestPath))
    problems.push({
      file: '.osgs',
      message: 'git ignores it: a clone cannot be run again without losing edits',
      remedy: 'Take it out of .gitignore, and commit it.',
    });
  return problems;
}

function markers(
  edited: string[],
  read: (path: string) => string | undefined,
  base: (path: string) => string | undefined,
): Problem[] {
  return edited.flatMap((path) => {
    const text = read(path) ?? '';
    if (!hasMarkers(text) || hasMarkers(base(path) ?? '')) return [];
    const line = text.split('\n').findIndex((one) => one.startsWith('<<<<<<< ')) + 1;
    return [{ file: path, line, message: 'conflict markers are left in it', remedy: 'Edit it.' }];
  });
}

function environment(directory: string, plan: Plan, others: string[] | undefined): Problem[] {
  const file = '.env';
  const stat = statOf(join(directory, file));
  const problems: Problem[] = [];
  if (others?.includes(file))
    problems.push({
      file,
      message: 'git keeps it, or would, with its secrets',
      remedy:
        "Put a line .env into .gitignore. Where it was committed, 'git rm --cached .env', and 'make rotate-secret' for each: whoever has a copy of the repository has the old ones.",
    });
  if (!stat)
    return [
      ...problems,
      { file, message: 'is not there', remedy: "'make env' makes one, with new secrets." },
    ];
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    problems.push({
      file,
      message: 'others on this machine may read it or write it',
      remedy: "'chmod 600 .env'.",
    });
  for (const [variable, value] of secrets(plan, readInside(directory, file) ?? ''))
    if (value === '')
      problems.push({ file, message: `${variable} is empty`, remedy: "'make env' makes a value." });
  return problems;
}

/** Values of `.env` that stand in files that others get. */
function leaks(directory: string, plan: Plan, paths: string[]): Problem[] {
  // A short one may be a word that stands anywhere.
  const known = secrets(plan, readInside(directory, '.env') ?? '').filter(([, value]) => value.length >= 12);
  // Data is not read: nobody writes a password into a megabyte.
  const isText = (path: string): boolean => {
    const stat = statOf(join(directory, path));
    return stat?.isFile() === true && stat.size < 1 << 20;
  };
  return paths
    .filter((path) => path !== '.env' && isText(path))
    .flatMap((path) => {
      const text = readInside(directory, path) ?? '';
      return known
        .filter(([, value]) => text.includes(value))
        .map(([variable, value]) => ({
          file: path,
          line: text.slice(0, text.indexOf(value)).split('\n').length,
          message: `holds the value of ${variable}`,
          remedy: `Write \${${variable}} where Compose reads it, take it away elsewhere; then 'make rotate-secret k=${variable}'.`,
        }));
    });
}

/** The secrets of the stack that `.env` gives a value, or an empty one. */
function secrets({ env }: Plan, text: string): [variable: string, value: string][] {
  return env
    .filter(({ value }) => value === undefined)
    .flatMap(({ variable }): [string, string][] => {
      const given = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${variable}[ \\t]*=(.*)$`, 'm').exec(text)?.[1];
      return given === undefined ? [] : [[variable, given.trim().replace(/^(["'])(.*)\1$/, '$2')]];
    });
}

/** What a run would do, but for the files that another problem speaks of. */
function pending({ before, changes }: Plan, version: string, problems: Problem[]): Problem[] {
  if (before !== undefined && compareVersions(before, version) < 0)
    return [
      {
        message: `made by create-osgs ${before}, and this is ${version}`,
        remedy: "'create-osgs upgrade' takes it over.",
      },
    ];
  const said = new Set(problems.flatMap(({ file = '' }) => [file, file.replace(/^\.osgs\/base\//, '')]));
  const open = changes.filter(
    ({ path, file, action }) => !said.has(path) && (file || ['removed', 'conflict'].includes(action)),
  );
  if (open.length === 0) return [];
  const files = open.length === 1 ? 'a file' : `${open.length} files`;
  return [
    {
      message: `a run would change ${files}: ${open.map(({ path }) => path).join(', ')}`,
      remedy: "'create-osgs diff' shows how.",
    },
  ];
}
