import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { command } from '../run.js';

export const key = { enter: '\r', space: ' ', down: '\u001b[B', ctrlC: '\u0003', backspace: '\u007f' };

/** The command line in a pseudo-terminal, made by util-linux's script. */
export class Terminal {
  private shown = '';
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ended: Promise<number>;

  constructor(args: string[], cwd: string, program = [process.execPath, command], env = process.env) {
    const words = [...program, ...args].map((word) => `'${word}'`);
    this.child = spawn('script', ['-qec', `stty cols 100 rows 40; ${words.join(' ')}`, '/dev/null'], {
      cwd,
      env,
    });
    this.child.stdout.on('data', (data: Buffer) => (this.shown += data.toString()));
    this.ended = new Promise((resolve) => this.child.on('close', (code) => resolve(code ?? -1)));
  }

  /** Waits until the text is on the screen, then forgets what was shown. */
  async see(text: string, patience = 20_000): Promise<string> {
    for (let waited = 0; waited < patience; waited += 50) {
      const screen = stripVTControlCharacters(this.shown);
      if (screen.includes(text)) {
        this.shown = '';
        // Inquirer shows its prompt a moment before it listens.
        await new Promise((done) => setTimeout(done, 150));
        return screen;
      }
      await new Promise((done) => setTimeout(done, 50));
    }
    this.child.kill('SIGKILL');
    throw new Error(`'${text}' was not shown:\n${stripVTControlCharacters(this.shown)}`);
  }

  type(text: string): void {
    this.child.stdin.write(text);
  }

  /** The exit code, once the program has ended. */
  exit(): Promise<number> {
    return this.ended;
  }
}
