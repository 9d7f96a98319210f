import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { packageRoot } from '../catalog/load.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program and waits for it. */
export function run(
  program: string,
  args: string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Ran {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 60000,
    ...options,
  });
  if (result.error) throw result.error;
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The command that the package installs. */
export const command = join(packageRoot(), 'dist/bundle/main.js');

/** Runs the command without a terminal. */
export function createOsgs(args: string[], options: { cwd?: string; input?: string } = {}): Ran {
  return run(process.execPath, [command, ...args], options);
}

export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'osgs-test-'));
}

/** Every file below a folder: path to content and permission bits. */
export function readTree(folder: string): Map<string, { content: string; mode: number }> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [
        relative(folder, file),
        { content: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 },
      ]),
  );
}

/** The values of the secrets in a `.env`. */
export function secretValues(env: string): string[] {
  return [...env.matchAll(/^[A-Z0-9_]+=(.+)$/gm)].map((match) => match[1] ?? '');
}
