import { createHash } from 'node:crypto';
import { syntaxError } from './check-syntax.js';
import {
  hasMarkers,
  markDifferences,
  mergeText,
  sameLines,
  similarity,
  withEndsOf,
  type Labels,
} from './merge-text.js';
import { keepPins } from './pins.js';
import type { FileSet, OutputFile } from './render.js';

export type Action =
  'created' | 'updated' | 'merged' | 'unchanged' | 'kept' | 'deleted' | 'removed' | 'conflict';

/** What stands at a path of the repository now. */
export interface DiskFile {
  /** `other` is whatever has no text to merge: a symbolic link, a folder, a binary file. */
  kind: 'text' | 'other';
  text: string;
  executable: boolean;
  /** What it is, where it is no text. */
  what?: 'symbolic link' | 'folder' | 'binary file' | 'file where a folder is needed';
  /** The paths of all files in a folder. */
  entries?: string[];
}

/** A file as it was generated last time. */
export interface BaseFile {
  text: string;
  executable: boolean;
}

/** What both sides want of a path. */
export interface Conflict {
  why: string;
  mine: DiskFile | undefined;
  base: BaseFile | undefined;
  next: OutputFile;
  /** The text with conflict markers; absent where the path holds no text. */
  marked?: string;
}

export interface Change {
  path: string;
  action: Action;
  /** What is to be written; absent where the disk stays as it is. */
  file?: OutputFile;
  /** Where the content stood before, when the file has a new name. */
  from?: string;
  /** Said to the owner with the action. */
  why?: string;
  conflict?: Conflict;
}

/** The three states of the repository, by path; undefined where there is no such file. */
export interface States {
  base: (path: string) => BaseFile | undefined;
  mine: (path: string) => DiskFile | undefined;
  /** Whether git ignores the path: such a file is never changed. */
  ignored?: (path: string) => boolean;
}

export function hash(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

const executable = (file: { mode: number }): boolean => (file.mode & 0o100) !== 0;

/**
 * Compares three states of every file: as generated last time (`basePaths` names them), as generated now (`next`), and
 * as it is on disk. Edits are merged line by line; where both sides changed the same lines it is a conflict, which
 * `settle` takes further. Sorted by path.
 */
export function merge(
  basePaths: Iterable<string>,
  next: FileSet,
  states: States,
  labels: Labels = { mine: 'yours', base: 'as generated last time', next: 'create-osgs' },
): Change[] {
  const changes = new Map<string, Change>();
  for (const path of basePaths) {
    if (next.has(path)) continue;
    const change = dropFile(path, states);
    if (change) changes.set(path, change);
  }
  const cleared = { ...states, mine: (path: string) => standing(path, states.mine(path), changes) };
  for (const [path, file] of next) changes.set(path, mergeFile(path, file, cleared, labels));
  followRenames(changes, next, states, labels);
  return [...changes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What stands at a path once the files that are removed have made room: a file may become a folder, or a folder a file. */
function standing(
  path: string,
  mine: DiskFile | undefined,
  drops: Map<string, Change>,
): DiskFile | undefined {
  const removed = (other: string): boolean => drops.get(other)?.action === 'removed';
  if (mine?.what === 'folder' && mine.entries?.every(removed)) return undefined;
  if (mine?.what !== 'file where a folder is needed') return mine;
  const above = path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
  return above.some(removed) ? undefined : mine;
}

function mergeFile(path: string, made: OutputFile, states: States, labels: Labels): Change {
  const mine = states.mine(path);
  const before = states.base(path);
  if (!mine) return before ? { path, action: 'deleted' } : { path, action: 'created', file: made };
  const { base, next } =
    path === 'compose.yaml' ? keepPins(mine, before, made) : { base: before, next: made };
  const baseMode = base?.executable ?? executable(next);
  const bit = mine.executable === baseMode ? executable(next) : mine.executable;
  const write = (action: Action, text: string): Change => ({
    path,
    action,
    file: { ...next, content: text, mode: bit ? 0o755 : 0o644 },
  });
  const same = mine.kind === 'text' && sameLines(mine.text, next.content);
  if (same && mine.executable === bit) return { path, action: 'unchanged' };
  if (states.ignored?.(path)) return { path, action: 'kept', why: 'git ignores it' };
  if (same) return write('updated', mine.text);
  if (next.kind === 'once') return { path, action: 'kept' };
  const conflict = (why: string, marked?: string): Change => ({
    path,
    action: 'conflict',
    conflict: { why, mine, base, next, ...(marked === undefined ? {} : { marked }) },
  });
  if (mine.kind === 'text' && hasMarkers(mine.text) && !hasMarkers(base?.text ?? ''))
    return conflict('conflict markers are left in it');
  if (base && sameLines(base.text, next.content)) {
    return mine.kind === 'text' && bit !== mine.executable
      ? write('updated', mine.text)
      : { path, action: 'kept' };
  }
  if (mine.kind === 'other') return conflict(`a ${mine.what ?? 'thing'} stands here`);
  if (base && sameLines(base.text, mine.text)) return write('updated', withEndsOf(next.content, mine.text));
  if (!base) {
    return conflict(
      'it was here before create-osgs made one',
      markDifferences(mine.text, next.content, labels),
    );
  }
  const merged = mergeText(mine.text, base.text, next.content, labels);
  if (merged.conflicts > 0) return conflict('you and create-osgs changed the same lines', merged.text);
  if (merged.text === mine.text) return { path, action: 'kept' };
  const broken = syntaxError(path, merged.text);
  if (broken !== undefined) {
    return conflict(
      `your change and the new one do not go together: ${broken}`,
      markDifferences(mine.text, next.content, labels),
    );
  }
  return write('merged', merged.text);
}

function dropFile(path: string, states: States): Change | undefined {
  const mine = states.mine(path);
  if (!mine) return undefined;
  const base = states.base(path);
  if (states.ignored?.(path)) return { path, action: 'kept', why: 'git ignores it' };
  const untouched =
    base !== undefined &&
    mine.kind === 'text' &&
    sameLines(mine.text, base.text) &&
    mine.executable === base.executable;
  return untouched
    ? { path, action: 'removed' }
    : { path, action: 'kept', why: 'no longer generated, but edited' };
}

/** An edited file whose generated content has moved to a new path takes the edit along. */
function followRenames(changes: Map<string, Change>, next: FileSet, states: States, labels: Labels): void {
  const edited = [...changes.values()].filter(({ path, action }) => action === 'kept' && !next.has(path));
  for (const { path: from } of edited) {
    const base = states.base(from);
    const mine = states.mine(from);
    if (!base || mine?.kind !== 'text' || states.ignored?.(from)) continue;
    const [best] = [...next]
      .filter(([path, file]) => changes.get(path)?.action === 'created' && file.kind === 'managed')
      .map(([path, file]) => ({ path, file, alike: similarity(base.text, file.content) }))
      .filter(({ alike }) => alike >= 0.5)
      .sort((a, b) => b.alike - a.alike);
    if (!best) continue;
    const { path } = best;
    const moved = mergeFile(path, best.file, { base: () => base, mine: () => mine }, labels);
    changes.set(path, {
      ...moved,
      from,
      ...(moved.file || moved.conflict
        ? {}
        : {
            action: 'merged',
            file: { ...best.file, content: mine.text, mode: mine.executable ? 0o755 : 0o644 },
          }),
    });
    changes.set(from, { path: from, action: 'removed', why: `it is ${path} now, and your change with it` });
  }
}

export type Settlement = 'mine' | 'theirs' | 'markers' | { edited: string };

/** The change that a conflict becomes by the owner's choice. */
export function settle(change: Change, choice: Settlement): Change {
  const { conflict, ...rest } = change;
  if (!conflict) return change;
  const mode = conflict.mine?.executable ? 0o755 : 0o644;
  const keep: Change = { ...rest, action: 'kept', why: 'by your choice' };
  const moved = change.from !== undefined && conflict.mine?.kind === 'text';
  if (choice === 'mine')
    return moved ? { ...keep, file: { ...conflict.next, content: conflict.mine?.text ?? '', mode } } : keep;
  if (choice === 'theirs') {
    // A folder may hold anything: it is never replaced.
    if (conflict.mine?.what === 'folder' || conflict.mine?.what === 'file where a folder is needed')
      return change;
    return { ...rest, action: 'updated', why: 'by your choice', file: conflict.next };
  }
  if (choice === 'markers') {
    if (conflict.marked === undefined) return change;
    return { ...change, file: { ...conflict.next, content: conflict.marked, mode } };
  }
  return {
    ...rest,
    action: 'merged',
    why: 'as you edited it',
    file: { ...conflict.next, content: choice.edited, mode },
  };
}
