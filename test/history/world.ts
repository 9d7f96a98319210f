import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalog } from '../../catalog/load.js';
import { loadTemplates } from '../../generators/repository/templates.js';
import { readManifest } from '../../generators/repository/manifest.js';
import {
  differs,
  openConflicts,
  plannedWrites,
  planWithDefaults,
  settleAll,
  type Plan,
} from '../../generators/app/plan.js';
import { carryOut } from '../../generators/repository/transaction.js';
import { planUndo } from '../../generators/app/undo.js';
import { parseAnswers, type Answers } from '../../generators/stack/answers.js';
import { addServices, removeServices } from '../../generators/stack/change-services.js';
import type { Change } from '../../generators/stack/merge.js';
import { ProblemError } from '../../generators/stack/problem.js';
import type { Template } from '../../generators/stack/render.js';
import { needsDomain } from '../../generators/stack/sites.js';
import { choosable, compatible, withNeeds } from '../stacks.js';
import { readTree } from '../run.js';

export const catalog = loadCatalog();
const templates = loadTemplates(catalog);
/** Services that one domain is enough for, in any combination. */
export const among = compatible(choosable(catalog), catalog).filter(
  (id) => !withNeeds([id], catalog).some((needed) => needsDomain(catalog.get(needed))),
);

/** Memory in the place of a disk where there is one: thousands of trees are written. */
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'osgs-history-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
let made = 0;

export type Choice = 'refuse' | 'mine' | 'markers';

/** What a run told its caller. */
export interface Told {
  /** Refused with open conflicts or other problems: nothing was written. */
  refused: boolean;
  markers: boolean;
  changes: Change[];
}

/** One stack in a folder, and what its owner did to it. */
export class World {
  readonly directory = join(root, String(++made));
  /** The line that each template has got by upgrades, by the template's path. */
  private readonly grown = new Map<string, string[]>();

  constructor(services: string[]) {
    mkdirSync(this.directory, { recursive: true });
    const known = { name: 'h', services, domains: [{ host: 'gis.example.org' }] };
    this.carry(this.plan(known), 'create', 'refuse');
  }

  answers(): Answers {
    const { answers, problems } = parseAnswers(this.read('osgs.yaml'), 'osgs.yaml');
    if (problems.length > 0) throw new ProblemError(problems);
    return answers as Answers;
  }

  add(id: string, choice: Choice): Told {
    return this.run(() => addServices(this.answers(), [id], catalog), `add ${id}`, choice);
  }

  remove(id: string, choice: Choice): Told {
    return this.run(() => removeServices(this.answers(), [id], catalog), `remove ${id}`, choice);
  }

  set(change: Partial<Answers>, choice: Choice): Told {
    return this.run(() => ({ ...this.answers(), ...change }), 'set', choice);
  }

  again(choice: Choice): Told {
    return this.run(() => this.answers(), 'again', choice);
  }

  /** A newer create-osgs whose template has one more line, or another one in its place. */
  upgrade(path: string, line: string, replace: boolean, choice: Choice): Told {
    const lines = this.grown.get(path) ?? [];
    if (replace) lines.pop();
    this.grown.set(path, [...lines, line]);
    return this.again(choice);
  }

  undo(choice: Choice): Told {
    try {
      const { changes, own } = planUndo(this.directory);
      return this.carry({ changes, own }, 'undo', choice);
    } catch (error) {
      return refusal(error);
    }
  }

  /** Files that the owner may edit, as the last run knew them. */
  editable(): string[] {
    return ['osgs.yaml', ...Object.keys(readManifest(this.directory)?.files ?? {})].filter(
      (path) => this.has(path) && !path.endsWith('.geojson') && !path.endsWith('.qgs'),
    );
  }

  has(path: string): boolean {
    return statSync(join(this.directory, path), { throwIfNoEntry: false })?.isFile() ?? false;
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.directory, path), text);
  }

  delete(path: string): void {
    rmSync(join(this.directory, path));
  }

  /** What the owner sees and git would commit. */
  tree(but: string[] = []): Map<string, string> {
    const files = [...readTree(this.directory)].filter(
      ([path]) => !path.startsWith('.osgs/local/') && !but.includes(path),
    );
    return new Map(files.map(([path, { content, mode }]) => [path, `${mode.toString(8)} ${content}`]));
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  plan(known: Partial<Answers>): Plan {
    return planWithDefaults({
      directory: this.directory,
      catalog,
      version: '0.1.0',
      templates: templates.map((template) => this.mutated(template)),
      git: false,
      known,
    });
  }

  private mutated(template: Template): Template {
    const lines = this.grown.get(template.path);
    return lines
      ? { ...template, text: `${template.text}${lines.map((line) => `# ${line}\n`).join('')}` }
      : template;
  }

  private run(answers: () => Answers, what: string, choice: Choice): Told {
    try {
      return this.carry(this.plan(answers()), what, choice);
    } catch (error) {
      return refusal(error);
    }
  }

  private carry(plan: Pick<Plan, 'changes' | 'own'>, what: string, choice: Choice): Told {
    const changes = choice === 'refuse' ? plan.changes : settleAll(plan.changes, choice);
    if (openConflicts(changes).length > 0) return { refused: true, markers: false, changes };
    const decided = { changes, own: plan.own };
    if (differs(decided)) carryOut(this.directory, what, plannedWrites(decided));
    return { refused: false, markers: changes.some(({ action }) => action === 'conflict'), changes };
  }
}

function refusal(error: unknown): Told {
  if (!(error instanceof ProblemError)) throw error;
  return { refused: true, markers: false, changes: [] };
}
