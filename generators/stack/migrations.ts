import type { Answers } from './answers.js';

/** What a version of create-osgs changed that a merge cannot carry across by itself. */
export interface Migration {
  /** The version that brought the change. */
  version: string;
  /** The answers in that version's words. */
  answers?: (answers: Answers) => Answers;
  /** What is to be done by hand. */
  notes?: string[];
}

/** In the order of their versions. */
export const migrations: Migration[] = [];

/** The migrations that a repository of version `from` still needs to be one of version `to`, oldest first. */
export function pendingMigrations(from: string, to: string, all: Migration[] = migrations): Migration[] {
  return all.filter(({ version }) => compareVersions(version, from) > 0 && compareVersions(version, to) <= 0);
}

/** Below 0 where the first version is the older one. By https://semver.org, build metadata left out. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => {
    const [core = '', ...rest] = (version.split('+')[0] ?? '').split('-');
    return { numbers: core.split('.').map(Number), suffix: rest.join('-') };
  });
  for (let index = 0; index < 3; index++) {
    const difference = (a?.numbers[index] ?? 0) - (b?.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a?.suffix === b?.suffix) return 0;
  if (!a?.suffix) return 1;
  if (!b?.suffix) return -1;
  return a.suffix.localeCompare(b.suffix, 'en', { numeric: true });
}
