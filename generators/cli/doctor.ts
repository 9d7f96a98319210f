import { diagnose, type Diagnosis } from '../app/doctor.js';
import { planWithDefaults } from '../app/plan.js';
import { formatProblem } from '../stack/problem.js';
import type { Answers } from '../stack/answers.js';
import type { CommandLine } from './arguments.js';
import { catalogWith } from './catalog.js';
import { inSession } from './session.js';
import { migrate, readAnswers } from './settled.js';
import { withCommands } from './starter.js';

/** Says whether the repository in this directory is in order. Gives the exit code: 4 where something is to be mended. */
export async function doctor(line: CommandLine, version: string): Promise<number> {
  return inSession('.', line, async ({ directory }) => {
    const catalog = await catalogWith(line.catalog);
    const { answers, locate } = readAnswers('osgs.yaml');
    const known = migrate(directory, version).answers(answers as Answers);
    const plan = planWithDefaults({ directory, catalog, version, known, git: line.git, locate });
    const found = diagnose(directory, plan, version, line.git);
    if (line.json) process.stdout.write(`${JSON.stringify({ directory: '.', ...found }, null, 2)}\n`);
    else process.stderr.write(withCommands(describe(found)));
    return found.problems.length > 0 ? 4 : 0;
  });
}

function describe({ problems, warnings, edited, deleted, generated }: Diagnosis): string {
  const yours = [
    ...edited.map((path) => `  edited ${path}\n`),
    ...deleted.map((path) => `  deleted ${path}\n`),
  ];
  const counts = `${generated} generated files, ${yours.length} of them changed by you`;
  const said =
    problems.length === 0
      ? 'in order\n'
      : `${problems.length} to mend:\n\n${problems.map(formatProblem).join('\n')}\n`;
  const warned = warnings.map((warning) => `warning: ${warning}\n`).join('');
  return `${counts}\n${yours.join('')}${warned}${said}`;
}
