/** Something that is wrong, where, and what to do about it. A value until the command line prints it. */
export interface Problem {
  /** The file, as the user knows it; absent where the answer came from the command line. */
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1. */
  column?: number;
  message: string;
  /** What to do. */
  remedy?: string;
}

/** Carries problems to the one place that prints them. */
export class ProblemError extends Error {
  constructor(
    readonly problems: Problem[],
    /** 1: the answers or the directory are wrong; 2: the command line is wrong; 3: conflicts are left. */
    readonly exitCode: 1 | 2 | 3 = 1,
  ) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ProblemError';
  }
}

/** `file:line:column: message`, and the remedy on a line of its own. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const text = place ? `${place}: ${problem.message}` : problem.message;
  return problem.remedy ? `${text}\n  ${problem.remedy}` : text;
}

/** Gives a problem the place of the answer that caused it. */
export type Locate = (path: (string | number)[], message: string, remedy?: string) => Problem;
