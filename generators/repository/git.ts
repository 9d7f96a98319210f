import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

function git(
  directory: string,
  args: string[],
  input?: string,
): { code: number | null; stdout: string; stderr: string } {
  const ran = spawnSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  });
  return { code: ran.status, stdout: ran.stdout ?? '', stderr: ran.stderr ?? '' };
}

/** Whether the directory stands in a git work tree, and git is there to be asked. */
export function isWorkTree(directory: string): boolean {
  return git(directory, ['rev-parse', '--is-inside-work-tree']).stdout.trim() === 'true';
}

/** The paths, relative to the directory, that git ignores and does not track. Empty outside a work tree. */
export function ignoredPaths(directory: string, paths: string[]): Set<string> {
  if (paths.length === 0 || !existsSync(directory)) return new Set();
  const ran = git(directory, ['check-ignore', '-z', '--stdin'], paths.join('\0'));
  return new Set(ran.stdout.split('\0').filter((path) => path !== ''));
}

/** The paths, relative to the directory, that git tracks or would: what it ignores is not among them. Undefined outside a work tree. */
export function filesForGit(directory: string): string[] | undefined {
  const ran = git(directory, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  return ran.code === 0 ? ran.stdout.split('\0').filter((path) => path !== '') : undefined;
}

/** Those of the paths that git tracks and that differ from its last commit. Empty outside a work tree. */
export function uncommittedPaths(directory: string, paths: string[]): string[] {
  const wanted = new Set(paths);
  // --porcelain names paths from the top of the work tree; this is where the directory stands in it.
  const prefix = git(directory, ['rev-parse', '--show-prefix']).stdout.trim();
  const entries = git(directory, ['status', '--porcelain', '-z', '--no-renames', '--', '.']).stdout.split(
    '\0',
  );
  return entries
    .filter((entry) => entry !== '' && !entry.startsWith('??') && entry.slice(3).startsWith(prefix))
    .map((entry) => entry.slice(3 + prefix.length))
    .filter((path) => wanted.has(path));
}

/**
 * Commits the paths and nothing else; those that git ignores are left out. Gives false where they are as the last commit
 * has them. Throws with git's words where it refuses.
 */
export function commitPaths(directory: string, paths: string[], message: string): boolean {
  const ignored = ignoredPaths(directory, paths);
  const tracked = new Set(git(directory, ['ls-files', '-z']).stdout.split('\0'));
  const known = paths.filter(
    (path) => !ignored.has(path) && (tracked.has(path) || existsSync(join(directory, path))),
  );
  const withPaths = (command: string[]): void => {
    const list = ['--pathspec-from-file=-', '--pathspec-file-nul'];
    const ran = git(directory, ['--literal-pathspecs', ...command, ...list], known.join('\0'));
    if (ran.code !== 0) throw new Error(`git ${command[0] ?? ''}: ${(ran.stderr || ran.stdout).trim()}`);
  };
  if (known.length === 0) return false;
  withPaths(['add', '-A']);
  const staged = git(directory, ['diff', '--cached', '--name-only', '--relative', '-z']).stdout.split('\0');
  if (!known.some((path) => staged.includes(path))) return false;
  withPaths(['commit', '-q', '-m', message]);
  return true;
}
