import { expect, test } from '@jest/globals';
import { tlsModes } from '../../generators/stack/tls.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { hasMarkers } from '../../generators/stack/merge-text.js';
import { differs, openConflicts } from '../../generators/app/plan.js';
import { run } from '../run.js';
import { among, World, type Choice } from './world.js';

const slow = 1_800_000;
const runs = Number(process.env.OSGS_HISTORIES ?? 2000);

const service = fc.constantFrom(...among);
/** Often the end of a file, where upgrades add their lines too. */
const line = fc.oneof(fc.nat(999), fc.constant(-1));
const file = fc.oneof(
  fc.nat(999),
  fc.constantFrom('Makefile', 'nginx/nginx.conf', 'compose.yaml', 'scripts/check.sh', 'osgs.yaml'),
);
const choice = fc.constantFrom<Choice>('refuse', 'mine', 'markers');
const grows = fc.constantFrom(
  'Makefile',
  'nginx/nginx.conf',
  'compose.yaml',
  'scripts/check.sh',
  'nginx/routes/[route].conf',
  '.gitignore',
);

/** One thing that happens to a stack. Numbers choose among what is there at that time. */
const event = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), id: service, choice }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), nth: fc.nat(9), choice }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      file,
      line,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('change' as const), file, line }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      file,
      line,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), file }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      tls: fc.constantFrom(...tlsModes),
      port: fc.constantFrom(80, 8080),
      choice,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('upgrade' as const),
      path: grows,
      word: fc.nat(99),
      replace: fc.boolean(),
      choice,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undo' as const), choice }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const comments: Record<string, [string, string]> = {
  md: ['<!-- ', ' -->'],
  html: ['<!-- ', ' -->'],
  sql: ['-- ', ''],
  json: ['', ''],
};

/** A line of the owner's that no other file has, written as a comment: it must not break the file. */
function ownLine(path: string, id: number): string {
  const [open, close] = comments[path.split('.').pop() ?? ''] ?? ['# ', ''];
  return `${open}mine ${id} of the owner${close}\n`;
}

/** Where a comment may stand: not inside a value of several lines, nor between a line and the one that it goes on in. */
function places(path: string, lines: string[]): number[] {
  return lines.flatMap((line, index) => {
    const before = lines[index - 1] ?? '';
    const goesOn = before.endsWith('\\\n') || /^\t/.test(line) || /^ {8,}['"-]/.test(line);
    return goesOn || (path.endsWith('.yaml') && !/^( *)[\w&<".-]/.test(line)) ? [] : [index];
  });
}

class Owner {
  readonly lines = new Map<string, string>();
  readonly secrets = new Map<string, string>();
  private count = 0;

  constructor(readonly world: World) {}

  happen(event: Event, spared: string[] = []): ReturnType<World['again']> | undefined {
    const { world } = this;
    switch (event.kind) {
      case 'add':
        return world.add(event.id, event.choice);
      case 'remove': {
        const { services } = world.answers();
        return world.remove(services[event.nth % services.length] ?? '', event.choice);
      }
      case 'set':
        return world.set(
          { tls: event.tls, settings: event.port === 80 ? {} : { nginx: { http_port: event.port } } },
          event.choice,
        );
      case 'upgrade':
        return world.upgrade(event.path, `generated ${event.word}`, event.replace, event.choice);
      case 'undo':
        return world.undo(event.choice);
      default:
        this.edit(event, spared);
        return undefined;
    }
  }

  private edit(event: Extract<Event, { file: unknown }>, spared: string[]): void {
    const { world } = this;
    // Written through its YAML document, osgs.yaml has its comments put in line with what they stand by.
    const paths = world.editable().filter((path) => !spared.includes(path));
    const path = typeof event.file === 'number' ? paths[event.file % paths.length] : event.file;
    if (path === undefined || !paths.includes(path)) return;
    if (event.kind === 'delete') {
      // Without these there is no stack to check.
      if (['compose.yaml', 'osgs.yaml'].includes(path)) return;
      this.forget(world.read(path));
      world.delete(path);
      return;
    }
    const lines = world.read(path).split(/(?<=\n)/);
    const at = places(path, lines);
    const index =
      event.line < 0 && event.kind === 'insert' ? lines.length : at[event.line % Math.max(at.length, 1)];
    if (index === undefined) return;
    if (event.kind === 'insert') {
      const added = Array.from({ length: event.count }, () => this.newLine(path));
      lines.splice(index, 0, ...added);
    } else if (/\.(yaml|conf|json)$/.test(path) || path === 'Makefile') {
      // A line taken out of these would break the file by the owner's own hand: a comment goes, or a number changes.
      const line = lines[index] ?? '';
      if (!/^\s*#/.test(line)) return;
      this.forget(line);
      lines.splice(index, 1, ...(event.kind === 'change' ? [this.newLine(path)] : []));
    } else {
      const gone = lines.splice(
        index,
        event.kind === 'cut' ? event.count : 1,
        ...(event.kind === 'change' ? [this.newLine(path)] : []),
      );
      this.forget(gone.join(''));
    }
    world.write(path, lines.join(''));
  }

  private newLine(path: string): string {
    const line = ownLine(path, ++this.count);
    this.lines.set(line.trim(), path);
    return line;
  }

  /** The owner's own hand took these lines out. */
  private forget(text: string): void {
    for (const line of this.lines.keys()) if (text.includes(line)) this.lines.delete(line);
  }

  /** Every line that the owner added and did not take out is in some file of the tree. */
  checkLines(): void {
    const all = [...this.world.tree()]
      .filter(([path]) => !path.startsWith('.osgs/'))
      .map(([, text]) => text)
      .join('\n');
    expect([...this.lines].filter(([line]) => !all.includes(line))).toEqual([]);
  }

  checkSecrets(): void {
    for (const [, key = '', value = ''] of this.world
      .read('.env')
      .matchAll(/^#?([A-Z0-9_]+)=([A-Za-z0-9]{32})$/gm)) {
      expect({ key, value: this.secrets.get(key) ?? value }).toEqual({ key, value });
      this.secrets.set(key, value);
    }
    for (const [key, value] of this.secrets) expect(this.world.read('.env')).toContain(`${key}=${value}`);
  }

  /** An undo may leave conflict markers in osgs.yaml: every run is refused until the owner has edited them away. */
  settleAnswers(): void {
    const { world } = this;
    const text = world.read('osgs.yaml');
    if (!hasMarkers(text)) return;
    expect(world.again('mine').refused).toBe(true);
    const mine = /^<{7} .*\n([^]*?)^\|{7} .*\n[^]*?^>{7} .*\n/gm;
    world.write('osgs.yaml', text.replace(mine, '$1'));
  }

  /** A run again at once finds nothing to do, but for the conflict markers that are still to be edited. */
  checkIdempotent(): void {
    const plan = this.world.plan(this.world.answers());
    const marked = openConflicts(plan.changes).filter(({ path }) => hasMarkers(this.world.read(path)));
    const rest = plan.changes.filter((change) => !marked.includes(change));
    expect(
      rest
        .filter(({ file, action }) => file ?? action === 'removed')
        .map(({ path, action }) => ({ path, action })),
    ).toEqual([]);
    expect(differs({ changes: rest, own: plan.own })).toBe(false);
  }
}

test(
  `${runs} random histories lose no line of the owner's, no secret, and settle at once`,
  () => {
    const told = { runs: 0, refused: 0, markers: 0, merged: 0, lines: 0, composed: 0 };
    fc.assert(
      fc.property(
        fc.uniqueArray(service, { minLength: 1, maxLength: 3 }),
        fc.array(event, { minLength: 1, maxLength: 10 }),
        (services, events) => {
          const world = new World(services);
          try {
            const owner = new Owner(world);
            owner.checkSecrets();
            for (const next of events) {
              const before = world.tree();
              const ran = owner.happen(next);
              if (!ran) continue;
              told.runs += 1;
              if (ran.refused) {
                told.refused += 1;
                expect(world.tree()).toEqual(before);
              } else if (ran.markers) told.markers += 1;
              if (ran.changes.some(({ action }) => action === 'merged')) told.merged += 1;
              owner.checkLines();
              owner.checkSecrets();
              owner.settleAnswers();
              if (!ran.refused && next.kind !== 'undo') owner.checkIdempotent();
              const compose = world.read('compose.yaml');
              if (!hasMarkers(compose)) expect(parse(compose)).toHaveProperty('services.nginx.image');
              else
                expect(
                  ran.refused || ran.markers || openConflicts(world.plan(world.answers()).changes).length > 0,
                ).toBe(true);
            }
            told.lines += owner.lines.size;
            if (told.composed < 100 && !hasMarkers(world.read('compose.yaml'))) {
              told.composed += 1;
              const config = run('docker', ['compose', 'config', '-q'], { cwd: world.directory });
              expect(config).toMatchObject({ code: 0 });
            }
          } finally {
            world.close();
          }
        },
      ),
      { numRuns: runs },
    );
    // The histories are of use only while all of this happens in them.
    for (const count of Object.values(told)) expect(count).toBeGreaterThan(runs / 100);
  },
  slow,
);

test(
  'a service added and removed again leaves the tree as it was, byte for byte, but for .env',
  () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(service, { minLength: 1, maxLength: 4 }),
        service,
        fc.array(
          event.filter(({ kind }) => ['insert', 'change', 'cut', 'upgrade'].includes(kind)),
          { maxLength: 4 },
        ),
        (services, id, events) => {
          const world = new World(services);
          try {
            const owner = new Owner(world);
            for (const next of events) owner.happen(next, ['osgs.yaml']);
            const needs = world.plan(world.answers()).stack.services.some((present) => present.id === id);
            fc.pre(!needs);
            const before = world.tree(['.env']);
            fc.pre(!world.add(id, 'refuse').refused);
            expect(world.remove(id, 'refuse').refused).toBe(false);
            expect(world.tree(['.env'])).toEqual(before);
          } finally {
            world.close();
          }
        },
      ),
      { numRuns: 200 },
    );
  },
  slow,
);
