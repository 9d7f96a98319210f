import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Generator from 'yeoman-generator';
import type { Catalog } from '../../catalog/service.js';
import { proposeAdministration } from '../stack/administration.js';
import type { Answers } from '../stack/answers.js';
import { withoutPlaces } from '../stack/change-services.js';
import { withPreset } from '../stack/presets.js';
import { ProblemError, type Locate } from '../stack/problem.js';
import type { ConflictMode } from './conflict-modes.js';
import { askConflicts, conflictProblems, type Choice } from './conflicts.js';
import { uncommittedPaths } from '../repository/git.js';
import { lock } from '../repository/lock.js';
import { transactionTransform } from './pipeline.js';
import { differs, makePlan, openConflicts, plannedWrites, settleAll, type Plan } from './plan.js';
import { questions, withDefaults, type Asking } from './questions.js';
import { describePlan } from './report.js';

export interface AppOptions {
  directory: string;
  catalog: Catalog;
  version: string;
  /** What is known before the first question. */
  known: Partial<Answers>;
  /** Keys that flags or --config gave: they are not asked. */
  given: (keyof Answers)[];
  /** Whether the open questions are asked; without, they take their defaults. */
  ask: boolean;
  /** Whether there is somebody to confirm the plan and to decide conflicts. */
  interactive: boolean;
  yes: boolean;
  dryRun: boolean;
  conflict: ConflictMode;
  git?: boolean;
  /** The caller holds the directory's lock. */
  locked: boolean;
  /** The run in words, for `undo`. */
  what: string;
  locate?: Locate;
  /** The plan, where nothing was to be asked and it is decided. */
  plan?: Plan;
  /** Is handed the plan before anything is written or asked. */
  decided?(plan: Plan): void;
  /** Is handed the plan once the run is decided and, unless it is a dry run, written. */
  done(plan: Plan): void;
}

/** Asks, decides, and writes through Yeoman's in-memory file system: nothing reaches the disk before all is decided. */
export default class App extends Generator {
  private readonly app: AppOptions;
  private answers: Partial<Answers> = {};
  private plan!: Plan;
  private readonly interactive: boolean;

  constructor(args: string[], options: AppOptions & Record<string, unknown>) {
    // Yeoman's own commit asks file by file and follows .yo-resolve files of the folders above: ours has decided by now.
    super(args, options as never, {
      customCommitTask: () => this._commit(),
      // There is no package.json to install from; Yeoman would say so.
      customInstallTask: true,
    });
    this.app = options;
    this.interactive = options.interactive;
    // Yeoman announces every error before ours is printed in its own words.
    this.log.error = () => this.log;
  }

  async prompting(): Promise<void> {
    const { app } = this;
    this.answers = { ...app.known };
    if (!app.ask) {
      this.answers = withDefaults(app.known, app);
      return;
    }
    for (const question of questions) {
      const asking: Asking = { catalog: app.catalog, directory: app.directory, answers: this.answers };
      if (app.given.includes(question.key)) continue;
      const prompt = question.prompt?.(asking) as { when?: boolean } | undefined;
      if (prompt && prompt.when !== false) {
        const reply = await this.prompt([{ ...prompt, name: question.key } as never]);
        const value: unknown = (reply as Record<string, unknown>)[question.key];
        const before = this.answers.services ?? [];
        Object.assign(this.answers, {
          [question.key]: question.answer ? question.answer(value, this.answers) : value,
        });
        if (question.key === 'domains' && app.known.domains === undefined) await this._askAdministration();
        const preset = question.key === 'preset' ? app.catalog.presets.get(String(value)) : undefined;
        if (preset) this.answers = withPreset(this.answers, preset);
        const gone = before.filter((id) => !this.answers.services?.includes(id));
        if (gone.length > 0) this.answers = withoutPlaces(this.answers, gone, app.catalog);
      } else {
        Object.assign(this.answers, {
          [question.key]: this.answers[question.key] ?? question.fallback?.(asking),
        });
      }
    }
    this.answers = withDefaults(this.answers, app);
  }

  /** Proposes a domain for administration pages. Only a new stack is asked: addresses of an old one stay. */
  private async _askAdministration(): Promise<void> {
    const { domains = [] } = this.answers;
    const proposed = proposeAdministration(this.answers, this.app.catalog);
    if (!proposed) return;
    const titles = (proposed.services ?? []).map((id) => this.app.catalog.get(id)?.title ?? id).join(', ');
    const { apart } = await this.prompt<{ apart: boolean }>([
      {
        type: 'confirm',
        name: 'apart',
        message: `Administration (${titles}) on a host name of its own, ${proposed.host}? Pages on one host name share their sessions`,
        default: true,
      },
    ]);
    if (apart) this.answers.domains = [...domains, proposed];
  }

  async configuring(): Promise<void> {
    const { app } = this;
    this.plan = app.plan ?? makePlan(this.answers as Answers, app);
    app.decided?.(this.plan);
    if (this.interactive) process.stderr.write(`\n${describePlan(this.plan)}\n`);
    if (!differs(this.plan) || app.dryRun) return;
    await this._warnOfUncommitted();
    if (this.interactive) await this._confirm('Go on and write this?', true);
    let { changes } = this.plan;
    if (app.conflict !== 'ask') changes = settleAll(changes, app.conflict);
    else if (this.interactive) {
      changes = await askConflicts(app.directory, changes, async (message, choices) => {
        const { choice } = await this.prompt<{ choice: Choice }>([
          { type: 'select', name: 'choice', message, choices } as never,
        ]);
        return choice;
      });
    }
    const open = openConflicts(changes);
    if (open.length > 0) throw new ProblemError(conflictProblems(app.directory, open), 3);
    this.plan = { ...this.plan, changes };
  }

  writing(): void {
    if (this.app.dryRun) return;
    for (const { path, content, mode } of plannedWrites(this.plan)) {
      const target = join(this.app.directory, path);
      if (content === undefined) this._delete(target);
      else this.fs.write(target, content, { stat: { mode } } as never);
    }
  }

  end(): void {
    this.app.done(this.plan);
  }

  /** As Yeoman's own `delete` marks a file; that one takes the path for a pattern, and a folder may be called `[gis]`. */
  private _delete(path: string): void {
    const { store } = this.fs;
    store.add(Object.assign(store.get(path), { state: 'deleted' as const, contents: null }));
  }

  /** Edits that no commit holds are safe in a merge, but a person wants to know. */
  private async _warnOfUncommitted(): Promise<void> {
    const { app, plan } = this;
    if (app.git === false || plan.before === undefined) return;
    const dirty = uncommittedPaths(
      app.directory,
      plan.changes.map(({ path }) => path),
    );
    if (dirty.length === 0) return;
    const names = dirty.map((path) => `  ${path}\n`).join('');
    process.stderr.write(`Not committed yet:\n${names}`);
    if (this.interactive)
      await this._confirm('Go on all the same? Your changes are merged, not lost.', false);
    else if (!app.yes)
      throw new ProblemError([
        {
          message: 'generated files have changes that are not committed',
          remedy: 'Commit them, or give --yes.',
        },
      ]);
  }

  private async _confirm(message: string, fallback: boolean): Promise<void> {
    const { go } = await this.prompt<{ go: boolean }>([
      { type: 'confirm', name: 'go', message, default: fallback },
    ]);
    if (!go) throw new ProblemError([{ message: 'cancelled: nothing was written' }]);
  }

  /** Yeoman's pipeline up to its last step; there one transaction takes the place of a write for each file. */
  private async _commit(): Promise<void> {
    const { app } = this;
    if (app.dryRun || !differs(this.plan)) return;
    const fresh = !existsSync(app.directory);
    mkdirSync(app.directory, { recursive: true });
    const release = app.locked ? undefined : lock(app.directory);
    try {
      await this.fs.commit(transactionTransform(app.directory, app.what, this.plan.seen) as never);
    } catch (error) {
      release?.();
      if (fresh) rmSync(app.directory, { recursive: true, force: true });
      throw error;
    }
    release?.();
  }
}
