import { helpText, parseCommandLine, type CommandLine } from './arguments.js';
import { formatProblem, ProblemError } from '../stack/problem.js';
import { withCommands } from './starter.js';
import { version } from './version.js';

/** Runs the command line and gives its exit code. Messages go to standard error. */
export async function main(argv: string[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as head, is no failure of ours.
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    const line = parseCommandLine(argv);
    if (line.help) {
      process.stdout.write(withCommands(helpText()));
      return 0;
    }
    if (line.version) {
      process.stdout.write(`${version}\n`);
      return 0;
    }
    return await run(line);
  } catch (error) {
    if (error instanceof ProblemError) {
      process.stderr.write(`${withCommands(error.problems.map(formatProblem).join('\n'))}\n`);
      return error.exitCode;
    }
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) {
      process.stderr.write('\ncancelled: nothing was written\n');
      return 1;
    }
    process.stderr.write(`create-osgs: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function run(line: CommandLine): Promise<number> {
  if (line.command === 'list') {
    const { list } = await import('./list.js');
    return list(line);
  }
  if (line.command === 'undo') {
    const { undo } = await import('./undo.js');
    return undo(line);
  }
  if (line.command === 'doctor') {
    const { doctor } = await import('./doctor.js');
    return doctor(line, version);
  }
  const { chooseDirectory } = await import('./directory.js');
  const directory = await chooseDirectory(line);
  const { create } = await import('./create.js');
  return create(line, directory, version);
}
