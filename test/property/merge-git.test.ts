import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mergeText } from '../../generators/stack/merge-text.js';
import { emptyFolder, run } from '../run.js';

type Edit = { at: number; kind: 'insert' | 'change' | 'delete'; word: string };

const word = fc.constantFrom(
  'listen 80;',
  'root /srv;',
  '}',
  '',
  'location / {',
  '  timeout: 5s',
  'networks: [web]',
);
const edit = fc.record({
  at: fc.nat(40),
  kind: fc.constantFrom('insert' as const, 'change' as const, 'delete' as const),
  word,
});

function apply(lines: string[], edits: Edit[], side: string): string[] {
  const result = [...lines];
  for (const { at, kind, word: text } of edits) {
    const index = result.length === 0 ? 0 : at % result.length;
    if (kind === 'insert') result.splice(index, 0, `${side} ${text}`);
    else if (kind === 'change') result[index] = `${side} ${text}`;
    else result.splice(index, 1);
  }
  return result;
}

const joined = (lines: string[]): string => lines.map((line) => `${line}\n`).join('');

/** A text whose lines are told apart, and one with many lines that are alike, as configuration files have. */
const cases = fc
  .record({
    lines: fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.map((text, n) => `${n} ${text}`)),
      fc.array(word, { minLength: 1, maxLength: 30 }),
    ),
    mine: fc.array(edit, { maxLength: 4 }),
    next: fc.array(edit, { maxLength: 4 }),
  })
  .map(({ lines, mine, next }) => ({
    base: joined(lines),
    mine: joined(apply(lines, mine, 'mine')),
    next: joined(apply(lines, next, 'next')),
  }));

const folder = emptyFolder();

function gitMerge({ base, mine, next }: { base: string; mine: string; next: string }): {
  clean: boolean;
  text: string;
} {
  mkdirSync(folder, { recursive: true });
  const names = { base, mine, next };
  for (const [name, text] of Object.entries(names)) writeFileSync(join(folder, name), text);
  const ran = run('git', ['merge-file', '-p', '-q', 'mine', 'base', 'next'], { cwd: folder });
  return { clean: ran.code === 0, text: ran.stdout };
}

/** Where a line stands twice, which of the two was deleted or kept is open: git and diff3 may pair them differently. */
function isAmbiguous(base: string): boolean {
  const lines = base.split('\n').slice(0, -1);
  return new Set(lines).size < lines.length;
}

test('1,000 random merges are those of git merge-file wherever both are clean', () => {
  const counts = { bothClean: 0, bothConflict: 0, cleanHere: 0, cleanInGit: 0 };
  fc.assert(
    fc.property(cases, (three) => {
      const ours = mergeText(three.mine, three.base, three.next, { mine: 'm', base: 'b', next: 'n' });
      const git = gitMerge(three);
      if (ours.conflicts === 0 && git.clean) {
        counts.bothClean += 1;
        expect(ours.text).toBe(git.text);
      } else if (ours.conflicts > 0 && !git.clean) counts.bothConflict += 1;
      else {
        counts[git.clean ? 'cleanInGit' : 'cleanHere'] += 1;
        expect({ ...three, ambiguous: isAmbiguous(three.base) }).toMatchObject({ ambiguous: true });
      }
    }),
    { numRuns: 1000, seed: 20261123 },
  );
  expect(counts.bothClean).toBeGreaterThan(500);
  expect(counts.cleanHere + counts.cleanInGit).toBeLessThan(20);
}, 120_000);
