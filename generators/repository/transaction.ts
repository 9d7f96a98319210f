import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { hash } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';
import { insideOf, statOf } from './disk.js';

/** A file to write, or to remove where it has no content. */
export interface Write {
  path: string;
  content?: string;
  mode?: number;
}

/** What stood at each path when the run was decided: the SHA-256 of its text, or undefined. */
export type Seen = Map<string, string | undefined>;

type Inside = ReturnType<typeof insideOf>;

interface Operation {
  path: string;
  /** SHA-256 of what stood there and of what shall stand there; absent where nothing does. */
  before?: string;
  beforeMode?: number;
  after?: string;
  afterMode?: number;
}

/** What a run did, as `undo` reads it. */
export interface Journal {
  version: 1;
  /** In words, such as `add geoserver`. */
  what: string;
  operations: Operation[];
}

/**
 * The folder of this machine's own: never committed, for it holds a former `.env`. `journal.json` is there while a run
 * is being carried out; `staged/` holds what is to be moved into place, `saved/` what stood there before.
 */
export const localFolder = '.osgs/local';

/**
 * Writes all or nothing. Everything is staged below the directory, on the same file system, then a journal is put in
 * place by one rename: before it the old state holds, after it the new one, for whoever comes next finishes the journal.
 * Throws where a file cannot be staged, or is not what was `seen` when the run was decided; nothing has changed then.
 * The old state is kept for `undo`.
 */
export function carryOut(directory: string, what: string, writes: Write[], seen: Seen = new Map()): void {
  const local = openLocal(directory);
  clearStaging(local);
  try {
    mkdirSync(join(local, 'staged'));
    mkdirSync(join(local, 'saved'));
    // What goes away makes room first: a folder may take the place of a file.
    const ordered = [...writes].sort(
      (a, b) => Number(a.content !== undefined) - Number(b.content !== undefined),
    );
    // What a first run makes can be made again: it is all or nothing where it is killed, and need not outlast a loss of power.
    const first = ordered.every(({ path }) => statOf(join(directory, path)) === undefined);
    const inside = insideOf(directory);
    const operations = ordered.map((write, index) => stage(inside, local, write, index, first));
    refuseEdited(directory, operations, seen);
    const journal: Journal = { version: 1, what, operations };
    writeWhole(join(local, 'journal.tmp'), JSON.stringify(journal), 0o600, true);
    syncFolder(join(local, 'staged'));
    renameSync(join(local, 'journal.tmp'), join(local, 'journal.json'));
  } catch (error) {
    clearStaging(local);
    closeLocal(directory);
    throw error;
  }
  // From here on the run counts: what fails now is finished by the next start, which needs what is staged.
  syncFolder(local);
  finish(directory);
}

/**
 * Finishes or drops what an interrupted run left. Gives the paths that were edited since and are therefore left as they
 * are, or undefined where no run was interrupted.
 */
export function recover(directory: string): string[] | undefined {
  const local = join(directory, localFolder);
  if (!existsSync(local)) return undefined;
  if (existsSync(join(local, 'journal.json'))) return finish(directory);
  const left = isInterrupted(directory);
  if (left) clearStaging(local);
  closeLocal(directory);
  return left ? [] : undefined;
}

/** Whether something is left of a run that did not come to its end. */
export function isInterrupted(directory: string): boolean {
  return ['journal.json', 'journal.tmp', 'staged', 'saved'].some((name) =>
    existsSync(join(directory, localFolder, name)),
  );
}

/** Makes the folder of this machine's own, which git ignores whatever the owner's .gitignore says. */
export function openLocal(directory: string): string {
  const local = join(directory, localFolder);
  mkdirSync(local, { recursive: true, mode: 0o700 });
  const ignore = join(local, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return local;
}

/** Removes the folder of this machine's own where nothing is left in it. */
export function closeLocal(directory: string): void {
  const local = join(directory, localFolder);
  if (!existsSync(local) || readdirSync(local).some((name) => name !== '.gitignore')) return;
  rmSync(local, { recursive: true, force: true });
  removeEmpty(directory, dirname(local));
}

/** The last run, and the texts of each operation before and after it. */
export interface Undo {
  journal: Journal;
  before: (index: number) => string;
  after: (index: number) => string;
}

/** The last run; undefined where none can be put back. */
export function readUndo(directory: string): Undo | undefined {
  const folder = join(directory, localFolder, 'undo');
  if (!existsSync(join(folder, 'journal.json'))) return undefined;
  const journal = JSON.parse(readFileSync(join(folder, 'journal.json'), 'utf8')) as Journal;
  const text = (name: string): string => readFileSync(join(folder, 'saved', name), 'utf8');
  return { journal, before: (index) => text(`${index}.before`), after: (index) => text(`${index}.after`) };
}

function stage(inside: Inside, local: string, write: Write, index: number, first: boolean): Operation {
  const file = inside(write.path);
  if (file === undefined) throw new Error(`${write.path} leads out of the directory`);
  const operation: Operation = { path: write.path };
  const stat = statOf(file);
  if (stat?.isFile()) {
    const before = readFileSync(file, 'utf8');
    operation.before = hash(before);
    operation.beforeMode = stat.mode & 0o777;
    // For undo alone, which checks it: this need not outlast a loss of power.
    writeFileSync(join(local, 'saved', `${index}.before`), before, { mode: 0o600 });
  }
  if (write.content !== undefined) {
    const mode = write.mode ?? 0o644;
    operation.after = hash(write.content);
    operation.afterMode = mode;
    // There is nothing to go back to from a first run: undo reads nothing of it.
    if (!first) writeFileSync(join(local, 'saved', `${index}.after`), write.content, { mode: 0o600 });
    writeWhole(join(local, 'staged', String(index)), write.content, mode, !first);
  }
  return operation;
}

/** While a run waits for an answer, the owner may go on editing. */
function refuseEdited(directory: string, operations: Operation[], seen: Seen): void {
  const edited = operations.filter(({ path, before }) => seen.has(path) && seen.get(path) !== before);
  if (edited.length === 0) return;
  throw new ProblemError(
    edited.map(({ path }) => ({
      file: join(directory, path),
      message: 'was changed while this run was waiting',
      remedy: 'Nothing was written. Run it again.',
    })),
  );
}

/** Carries out a journal; every step may be repeated, so that a killed run is finished by the next one. */
function finish(directory: string): string[] {
  const local = join(directory, localFolder);
  const journal = JSON.parse(readFileSync(join(local, 'journal.json'), 'utf8')) as Journal;
  const inside = insideOf(directory);
  const edited = journal.operations
    .map((operation, index) => ({ operation, index }))
    .filter(({ operation, index }) => !apply(directory, inside, local, operation, index))
    .map(({ operation }) => operation.path);
  // The first run of all has nothing to go back to.
  const first = journal.operations.every(({ before }) => before === undefined);
  if (!first) {
    if (existsSync(join(local, 'saved'))) {
      rmSync(join(local, 'undo'), { recursive: true, force: true });
      mkdirSync(join(local, 'undo'));
      renameSync(join(local, 'saved'), join(local, 'undo', 'saved'));
    }
    renameSync(join(local, 'journal.json'), join(local, 'undo', 'journal.json'));
  } else rmSync(join(local, 'journal.json'));
  clearStaging(local);
  closeLocal(directory);
  return edited;
}

/** Gives false where the file was edited after the run was interrupted: it stays. */
function apply(
  directory: string,
  inside: Inside,
  local: string,
  operation: Operation,
  index: number,
): boolean {
  const file = inside(operation.path);
  if (file === undefined) return false;
  const stat = statOf(file);
  const now = stat?.isFile() ? hash(readFileSync(file, 'utf8')) : undefined;
  const untouched = now === operation.before;
  if (operation.after === undefined) {
    if (stat?.isFile() && untouched) {
      unlinkSync(file);
      removeEmpty(directory, dirname(file));
    }
    return true;
  }
  const staged = join(local, 'staged', String(index));
  if (!existsSync(staged)) return true;
  if (!untouched && now !== operation.after) return false;
  mkdirSync(dirname(file), { recursive: true });
  renameSync(staged, file);
  return true;
}

/** Removes a folder and those above it, up to the directory of the stack, as long as they are empty. */
function removeEmpty(directory: string, folder: string): void {
  for (let at = folder; at.startsWith(directory + sep) && readdirSync(at).length === 0; at = dirname(at))
    rmdirSync(at);
}

function clearStaging(local: string): void {
  for (const name of ['staged', 'saved', 'journal.tmp'])
    rmSync(join(local, name), { recursive: true, force: true });
}

function writeWhole(file: string, content: string, mode: number, durable: boolean): void {
  const handle = openSync(file, 'w', mode);
  try {
    writeFileSync(handle, content);
    // Whatever the umask says.
    fchmodSync(handle, mode);
    if (durable) fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
