import { existsSync } from 'node:fs';
import { ProblemError } from '../stack/problem.js';
import type { CommandLine } from './arguments.js';

/** Whether there is somebody to answer questions. */
export function isInteractive(line: CommandLine): boolean {
  return !line.yes && !line.json && process.stdin.isTTY && process.stdout.isTTY && line.config !== '-';
}

/** The directory to work on. It is asked for before anything else is loaded: the first question is there at once. */
export async function chooseDirectory(line: CommandLine): Promise<string> {
  if (line.directory !== undefined) return line.directory;
  if (existsSync('osgs.yaml')) return '.';
  if (!isInteractive(line)) {
    throw new ProblemError([
      {
        message: 'directory: no answer',
        remedy: "Name the directory that is to be made: 'create-osgs my-stack'.",
      },
    ]);
  }
  const { default: inquirer } = await import('inquirer');
  const { directory } = await inquirer.prompt<{ directory: string }>([
    { type: 'input', name: 'directory', message: 'Directory', default: 'my-stack' },
  ]);
  return directory;
}
