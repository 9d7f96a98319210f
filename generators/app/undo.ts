import { join } from 'node:path';
import { envKeys, retireKeys } from '../stack/env.js';
import { hash, merge, type Change } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';
import type { FileSet } from '../stack/render.js';
import { insidePath, readDisk, readInside } from '../repository/disk.js';
import { exact, keysInUse } from './plan.js';
import { readUndo, type Undo } from '../repository/transaction.js';
import { basePath } from '../repository/manifest.js';

export interface UndoPlan {
  /** The run that is put back, in words. */
  what: string;
  changes: Change[];
  own: Change[];
}

/**
 * Decides how the last run is put back: what it wrote is taken back, and edits made since are merged, as on every run.
 * Values of `.env` stay; keys that only the run needed are commented. Throws a ProblemError where there is no such run.
 */
export function planUndo(directory: string): UndoPlan {
  const last = readUndo(directory);
  if (!last) {
    throw new ProblemError([
      {
        message: 'there is no run to put back',
        remedy: 'Only the last one can be, on the machine where it ran. git knows the others.',
      },
    ]);
  }
  const next: FileSet = new Map();
  const written = new Map<string, { text: string; executable: boolean }>();
  const own: Change[] = [];
  for (const [index, operation] of last.journal.operations.entries()) {
    const { path, before, beforeMode, after, afterMode } = operation;
    if (insidePath(directory, path) === undefined) continue;
    const text = before === undefined ? undefined : checked(last.before(index), before, path);
    // Values of .env are never put back: undoEnv says what happens to it.
    if (path === '.env') continue;
    if (path.startsWith('.osgs/')) {
      const present = readInside(directory, path);
      if (text !== undefined) own.push(exact(path, present, text, beforeMode ?? 0o644));
      else if (present !== undefined) own.push({ path, action: 'removed' });
    } else {
      if (text !== undefined) next.set(path, { content: text, mode: beforeMode ?? 0o644, kind: 'managed' });
      if (after !== undefined)
        written.set(path, {
          text: checked(last.after(index), after, path),
          executable: ((afterMode ?? 0) & 0o100) !== 0,
        });
    }
  }
  const changes = merge(
    written.keys(),
    next,
    { base: (path) => written.get(path), mine: (path) => readDisk(directory, path) },
    { mine: 'yours', base: 'as the last run wrote it', next: 'as before the last run' },
  );
  const touched = last.journal.operations.some(({ path }) => path === '.env');
  const env = touched ? undoEnv(directory, last, keysInUse(directory, changes)) : undefined;
  if (env) changes.push(env);
  return { what: last.journal.what, changes, own };
}

function undoEnv(directory: string, last: Undo, inUse: Set<string>): Change | undefined {
  const present = readInside(directory, '.env');
  const at = last.journal.operations.findIndex(({ path }) => path === basePath('.env.example'));
  const operation = last.journal.operations[at];
  if (present === undefined || !operation) return undefined;
  const wanted = operation.before === undefined ? [] : envKeys(last.before(at));
  const known = operation.after === undefined ? [] : envKeys(last.after(at)).filter((key) => !inUse.has(key));
  return exact('.env', present, retireKeys(present, wanted, known), 0o600);
}

/** What was saved must be what the journal says: it is about to be written into the owner's repository. */
function checked(text: string, expected: string, path: string): string {
  if (hash(text) === expected) return text;
  throw new ProblemError([
    {
      file: join('.osgs/local/undo', path),
      message: 'what was saved for undo is damaged',
      remedy: 'Take the files back from git instead.',
    },
  ]);
}
