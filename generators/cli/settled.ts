import { readFileSync } from 'node:fs';
import { readManifest } from '../repository/manifest.js';
import { parseAnswers, type Answers, type AnswersFile } from '../stack/answers.js';
import { compareVersions, pendingMigrations } from '../stack/migrations.js';
import { ProblemError } from '../stack/problem.js';

/** Reads a file of answers; `-` is standard input. Throws a ProblemError where it cannot be read or is wrong. */
export function readAnswers(file: string): AnswersFile {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new ProblemError([{ file, message: `cannot be read: ${(error as Error).message}` }]);
  }
  const answers = parseAnswers(text, file === '-' ? 'standard input' : file);
  if (answers.problems.length > 0) throw new ProblemError(answers.problems);
  return answers;
}

/** Refuses a repository of a newer version; tells what an older one needs. */
export function migrate(
  directory: string,
  version: string,
): { answers: (answers: Answers) => Answers; notes: string[] } {
  const from = readManifest(directory)?.generator;
  if (from !== undefined && compareVersions(from, version) > 0) {
    throw new ProblemError([
      {
        message: `this stack was made by create-osgs ${from}, and this is the older ${version}`,
        remedy: "Run 'npm create osgs@latest .'.",
      },
    ]);
  }
  const pending = from === undefined ? [] : pendingMigrations(from, version);
  return {
    answers: (answers) => pending.reduce((now, migration) => migration.answers?.(now) ?? now, answers),
    notes: pending.flatMap(({ notes }) => notes ?? []),
  };
}
