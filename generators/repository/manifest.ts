import { join } from 'node:path';
import { hash, type BaseFile } from '../stack/merge.js';
import { ProblemError } from '../stack/problem.js';
import type { FileSet } from '../stack/render.js';
import { insidePath, readDisk, readInside } from './disk.js';

export const manifestPath = '.osgs/manifest.json';
export const basePath = (path: string): string => `.osgs/base/${path}`;

/** What was generated last time, as `.osgs/` holds it. */
export interface Manifest {
  /** The version of create-osgs that made it. */
  generator: string;
  /** Path to the SHA-256 of its content. */
  files: Record<string, string>;
}

/**
 * The manifest of the last run; undefined where there is none. Its content is not trusted: paths that leave the
 * directory, or that are git's or ours, are dropped.
 */
export function readManifest(directory: string): Manifest | undefined {
  const text = readInside(directory, manifestPath);
  if (text === undefined) return undefined;
  try {
    const manifest = JSON.parse(text) as Manifest;
    const files = Object.entries(manifest.files).filter(
      ([path, value]) =>
        typeof value === 'string' &&
        insidePath(directory, path) !== undefined &&
        !/^(\.git|\.osgs)\//.test(path) &&
        !['.env', 'osgs.yaml'].includes(path),
    );
    return { generator: String(manifest.generator), files: Object.fromEntries(files) };
  } catch (error) {
    throw new ProblemError([
      {
        file: join(directory, manifestPath),
        message: `cannot be read: ${(error as Error).message}`,
        remedy:
          'Take it from git: git checkout .osgs. Or delete the folder .osgs: what is the same is then taken over.',
      },
    ]);
  }
}

/**
 * A file as it was generated last time: from `.osgs/base`, or from the disk where that copy is gone and the file is
 * unchanged. Undefined where neither is what the manifest says.
 */
export function readBase(
  directory: string,
  manifest: Manifest | undefined,
  path: string,
): BaseFile | undefined {
  const expected = manifest?.files[path];
  if (expected === undefined) return undefined;
  for (const place of [basePath(path), path]) {
    const file = insidePath(directory, place) === undefined ? undefined : readDisk(directory, place);
    // git may have changed the line ends of both.
    if (file?.kind === 'text' && [file.text, file.text.replaceAll('\r\n', '\n')].map(hash).includes(expected))
      return { text: file.text.replaceAll('\r\n', '\n'), executable: file.executable };
  }
  return undefined;
}

/** The text of a manifest. */
export function formatManifest(version: string, files: FileSet): string {
  const hashes = Object.fromEntries([...files].map(([path, file]) => [path, hash(file.content)]));
  return `${JSON.stringify({ generator: version, files: hashes }, null, 2)}\n`;
}
