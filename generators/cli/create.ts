import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { createEnv } from 'yeoman-environment';
import { loadCatalog } from '../../catalog/load.js';
import { inspectDirectory } from '../app/disk.js';
import App, { type AppOptions } from '../app/index.js';
import type { Plan } from '../app/plan.js';
import { questions } from '../app/questions.js';
import { repeatCommand, reportObject, summary } from '../app/report.js';
import { parseAnswers, type Answers, type AnswersFile } from '../stack/answers.js';
import { ProblemError } from '../stack/problem.js';
import type { CommandLine } from './arguments.js';

/** Creates a stack, or runs the one in the directory again. Gives the exit code. */
export async function create(line: CommandLine, version: string): Promise<number> {
  const interactive =
    !line.yes && !line.json && process.stdin.isTTY && process.stdout.isTTY && line.config !== '-';
  const directory = await chooseDirectory(line, interactive);
  const state = inspectDirectory(directory);
  const catalog = loadCatalog(line.catalog);
  const settled = state === 'stack' ? readAnswers(join(directory, 'osgs.yaml')) : undefined;
  const config = line.config === undefined ? undefined : readAnswers(line.config);

  let known: Partial<Answers> = { ...settled?.answers, ...config?.answers };
  for (const question of questions) {
    const values = line.flags.get(question.key);
    if (values !== undefined) known = { ...known, ...question.read(values, known) };
  }
  addAliases(line.aliases, known);

  const source = config ?? settled;
  let plan: Plan | undefined;
  const options: AppOptions & Record<string, unknown> = {
    directory: resolve(directory),
    catalog,
    version,
    known,
    given: [...line.flags.keys(), ...(Object.keys(config?.answers ?? {}) as (keyof Answers)[])],
    interactive,
    dryRun: line.dryRun,
    // Places in a file are right only while no flag has replaced what the file says.
    ...(line.flags.size === 0 && source ? { locate: source.locate } : {}),
    done: (decided) => (plan = decided),
    skipInstall: true,
    skipCache: true,
  };
  await runGenerator(options, interactive);
  if (!plan) throw new Error('the run ended before it was decided');
  return report(plan, directory, line);
}

async function runGenerator(
  options: AppOptions & Record<string, unknown>,
  interactive: boolean,
): Promise<void> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const env = createEnv({
    cwd: process.cwd(),
    ...(interactive ? {} : { stdout: silent as never, stderr: silent as never }),
    skipInstall: true,
  });
  env.on('error', () => undefined);
  env.register(App as never, { namespace: 'osgs:app', resolved: import.meta.filename });
  await env.run(['osgs:app'], options);
}

async function chooseDirectory(line: CommandLine, interactive: boolean): Promise<string> {
  if (line.directory !== undefined) return line.directory;
  if (existsSync('osgs.yaml')) return '.';
  if (!interactive) {
    throw new ProblemError([
      {
        message: 'directory: no answer',
        remedy: 'Name the directory that is to be made: create-osgs my-stack.',
      },
    ]);
  }
  const { default: inquirer } = await import('inquirer');
  const { directory } = await inquirer.prompt<{ directory: string }>([
    { type: 'input', name: 'directory', message: 'Directory', default: 'my-stack' },
  ]);
  return directory;
}

function readAnswers(file: string): AnswersFile {
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

function addAliases(aliases: string[], known: Partial<Answers>): void {
  for (const text of aliases) {
    const [alias = '', host = ''] = text.split('=', 2);
    const domain = known.domains?.find((candidate) => candidate.host === host);
    if (!domain)
      throw new ProblemError(
        [
          {
            message: `--alias ${text}: '${host}' is not one of the domains`,
            remedy: 'Give ALIAS=HOST with a HOST that --domain names.',
          },
        ],
        2,
      );
    domain.aliases = [...new Set([...(domain.aliases ?? []), alias])];
  }
}

function report(plan: Plan, directory: string, line: CommandLine): number {
  const differs = plan.changes.some(({ file, action }) => file !== undefined || action === 'removed');
  if (line.json)
    process.stdout.write(
      `${JSON.stringify(reportObject(plan, directory, !line.dryRun && differs), null, 2)}\n`,
    );
  else {
    const shown = plan.changes.filter(({ path }) => !path.startsWith('.osgs/'));
    const notes = shown
      .filter(({ action }) => !['unchanged', 'created'].includes(action))
      .map(({ path, action }) => `  ${action} ${path}\n`);
    const next = line.dryRun
      ? 'Nothing was written.\n'
      : `\nNext:\n  cd ${directory}\n  git init && git add -A && git commit -m "Create the stack"    # .env stays out of it\n  make up\n  make check\n\nThe same again: ${repeatCommand(plan, directory)}\n`;
    process.stderr.write(`${directory}: ${summary(shown)}\n${notes.join('')}${next}`);
  }
  return line.dryRun && differs ? 4 : 0;
}
