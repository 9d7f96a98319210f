import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { DiskFile } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';

/** Every file below a folder, by name. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)],
    );
}

/** What a directory is to us. Throws where it can be neither created nor re-run. */
export function inspectDirectory(directory: string): 'new' | 'stack' {
  if (existsSync(directory)) {
    if (!lstatSync(realpathSync(directory)).isDirectory()) {
      throw new ProblemError([{ message: `${directory} is a file`, remedy: 'Name another directory.' }]);
    }
    const writable = canWrite(directory);
    const entries =
      writable || canRead(directory) ? readdirSync(directory).filter((name) => name !== '.git') : [];
    if (!writable)
      throw new ProblemError([
        {
          message: `${directory} cannot be written to`,
          remedy: 'Change its permissions, or name another directory.',
        },
      ]);
    if (entries.includes('osgs.yaml')) return 'stack';
    if (entries.length > 0) {
      throw new ProblemError([
        {
          message: `${directory} is not empty and holds no osgs.yaml`,
          remedy: 'Name an empty or a new directory.',
        },
      ]);
    }
    return 'new';
  }
  let above = dirname(resolve(directory));
  while (!existsSync(above)) above = dirname(above);
  if (!lstatSync(realpathSync(above)).isDirectory() || !canWrite(above)) {
    throw new ProblemError([
      {
        message: `${directory} cannot be created: ${above} cannot be written to`,
        remedy: 'Change its permissions, or name another directory.',
      },
    ]);
  }
  return 'new';
}

export function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** A file of the stack's directory; undefined where it is absent. Nothing outside the directory is read. */
export function readInside(directory: string, path: string): string | undefined {
  const file = insidePath(directory, path);
  if (file === undefined || !existsSync(file) || !statSync(file).isFile()) return undefined;
  return readFileSync(file, 'utf8');
}

/**
 * The absolute path, or undefined where it would leave the directory, by `..` or by a symbolic link, or is git's own:
 * what stands in .osgs came with the repository and is not trusted.
 */
export function insidePath(directory: string, path: string): string | undefined {
  return insideOf(directory)(path);
}

/** insidePath for many paths at once: each folder is looked at the first time it is met. */
export function insideOf(directory: string): (path: string) => string | undefined {
  const root = resolve(directory);
  // Where there is no directory yet, no link can lead out of it.
  const realRoot = existsSync(root) ? realpathSync(root) : undefined;
  const met = new Map<string, boolean>();
  const isInside = (folder: string): boolean => {
    if (realRoot === undefined || folder === root) return true;
    if (!existsSync(folder)) return isInside(dirname(folder));
    const real = realpathSync(folder);
    return real === realRoot || real.startsWith(realRoot + sep);
  };
  return (path) => {
    const file = resolve(root, path);
    if (!file.startsWith(root + sep) || /^\.git($|[\\/])/i.test(relative(root, file))) return undefined;
    const folder = dirname(file);
    const inside = met.get(folder) ?? isInside(folder);
    met.set(folder, inside);
    return inside ? file : undefined;
  };
}

/** What stands at a path of the directory; no link is followed. Undefined where there is nothing. */
export function readDisk(directory: string, path: string): DiskFile | undefined {
  const file = join(directory, path);
  const stat = statOf(file);
  if (!stat) {
    return blockedAbove(directory, path)
      ? { kind: 'other', text: '', executable: false, what: 'file where a folder is needed' }
      : undefined;
  }
  const executable = (stat.mode & 0o100) !== 0;
  if (!stat.isFile()) {
    if (!stat.isDirectory()) return { kind: 'other', text: '', executable: false, what: 'symbolic link' };
    const entries = listFiles(file).map((entry) => `${path}/${relative(file, entry).split(sep).join('/')}`);
    return { kind: 'other', text: '', executable: false, what: 'folder', entries };
  }
  const content = readFileSync(file);
  if (!isUtf8(content)) return { kind: 'other', text: '', executable, what: 'binary file' };
  return { kind: 'text', text: content.toString('utf8'), executable };
}

/** What stands at a path, links not followed; undefined where there is nothing, or a file in the place of a folder. */
export function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function blockedAbove(directory: string, path: string): boolean {
  for (let at = dirname(path); at !== '.'; at = dirname(at)) {
    const stat = statOf(join(directory, at));
    if (stat) return stat.isFile();
  }
  return false;
}
