import { mkdirSync, rmSync, existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { Catalog } from '../../catalog/service.js';
import type { Answers } from '../stack/answers.js';
import { ProblemError } from '../stack/problem.js';
import type { Locate } from '../stack/resolve.js';
import { makePlan, type Plan } from './plan.js';
import { completeExpose, questions, type Asking } from './questions.js';
import { describePlan } from './report.js';

export interface AppOptions {
  directory: string;
  catalog: Catalog;
  version: string;
  /** What is known before the first question. */
  known: Partial<Answers>;
  /** Keys that flags or --config gave: they are not asked. */
  given: (keyof Answers)[];
  interactive: boolean;
  dryRun: boolean;
  locate?: Locate;
  /** Is handed the plan once the run is decided and, unless it is a dry run, written. */
  done(plan: Plan): void;
}

/** Asks, decides, and writes through Yeoman's in-memory file system: nothing reaches the disk before all is decided. */
export default class App extends Generator {
  private readonly app: AppOptions;
  private answers: Partial<Answers> = {};
  private plan!: Plan;

  constructor(args: string[], options: AppOptions & Record<string, unknown>) {
    // Yeoman's own commit asks file by file and follows .yo-resolve files of the folders above: ours has decided by now.
    super(args, options as never, { customCommitTask: () => this._commit() });
    this.app = options;
    // Yeoman announces every error before ours is printed in its own words.
    this.log.error = () => this.log;
  }

  async prompting(): Promise<void> {
    const { app } = this;
    this.answers = { ...app.known };
    for (const question of questions) {
      const asking: Asking = { catalog: app.catalog, directory: app.directory, answers: this.answers };
      if (app.given.includes(question.key)) continue;
      if (!app.interactive) {
        const value = this.answers[question.key] ?? question.fallback?.(asking);
        if (value !== undefined) Object.assign(this.answers, { [question.key]: value });
        continue;
      }
      const prompt = question.prompt?.(asking) as { when?: boolean } | undefined;
      if (prompt && prompt.when !== false) {
        const reply = await this.prompt([{ ...prompt, name: question.key } as never]);
        const value: unknown = (reply as Record<string, unknown>)[question.key];
        Object.assign(this.answers, { [question.key]: question.answer ? question.answer(value) : value });
      } else {
        Object.assign(this.answers, {
          [question.key]: this.answers[question.key] ?? question.fallback?.(asking),
        });
      }
    }
    const missing = questions.filter((question) => this.answers[question.key] === undefined);
    if (missing.length > 0) {
      throw new ProblemError(
        missing.map((question) => ({
          message: `${question.key}: no answer`,
          remedy: `Give --${question.flag} ${question.value}: ${question.help}.`,
        })),
      );
    }
  }

  async configuring(): Promise<void> {
    const answers = this.answers as Answers;
    answers.expose = completeExpose(answers.expose, this.app.catalog);
    this.plan = makePlan(answers, this.app.directory, this.app.catalog, this.app.version, this.app.locate);
    if (this.app.interactive) {
      process.stderr.write(`\n${describePlan(this.plan)}\n`);
      const { go } = await this.prompt<{ go: boolean }>([
        { type: 'confirm', name: 'go', message: 'Go on and write this?', default: true },
      ]);
      if (!go) throw new ProblemError([{ message: 'cancelled: nothing was written' }]);
    }
    const conflicts = this.plan.changes.filter(({ action }) => action === 'conflict');
    if (conflicts.length > 0) {
      throw new ProblemError(
        conflicts.map(({ path }) => ({
          file: join(this.app.directory, path),
          message: 'was edited here and has changed in the generator too',
          remedy:
            'Nothing was written. Move your edit into compose.override.yaml, nginx/local.d/ or make/local.mk, or take the file back from .osgs/base.',
        })),
        3,
      );
    }
  }

  writing(): void {
    if (this.app.dryRun) return;
    for (const { path, file } of this.plan.changes) {
      if (file)
        this.fs.write(join(this.app.directory, path), file.content, { stat: { mode: file.mode } } as never);
    }
  }

  end(): void {
    this.app.done(this.plan);
  }

  private async _commit(): Promise<void> {
    if (this.app.dryRun) return;
    const { directory } = this.app;
    const fresh = !existsSync(directory);
    try {
      mkdirSync(directory, { recursive: true });
      await this.fs.commit();
      for (const { path, action } of this.plan.changes)
        if (action === 'removed') unlinkSync(join(directory, path));
    } catch (error) {
      if (fresh) rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }
}
