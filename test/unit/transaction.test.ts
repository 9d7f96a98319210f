import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { carryOut, readUndo } from '../../generators/repository/transaction.js';
import { hash } from '../../generators/stack/merge.js';
import { emptyFolder, readTree } from '../run.js';

test('a file that was edited while the run waited for an answer stops it: nothing is written', () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, 'a'), 'edited meanwhile');
  const before = readTree(folder);
  const seen = new Map([['a', hash('as it was')]]);
  expect(() =>
    carryOut(
      folder,
      'x',
      [
        { path: 'b', content: '1' },
        { path: 'a', content: '2' },
      ],
      seen,
    ),
  ).toThrow('was changed while this run was waiting');
  expect(readTree(folder)).toEqual(before);
});

test('what a run wrote and what stood there before are kept where git does not look', () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub/a'), 'old');
  carryOut(folder, 'change a', [{ path: 'sub/a', content: 'new', mode: 0o600 }]);
  expect(readFileSync(join(folder, 'sub/a'), 'utf8')).toBe('new');
  expect(statSync(join(folder, 'sub/a')).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, '.osgs/local')).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(folder, '.osgs/local/.gitignore'), 'utf8')).toBe('*\n');
  const undo = readUndo(folder);
  expect(undo?.journal.what).toBe('change a');
  expect([undo?.before(0), undo?.after(0)]).toEqual(['old', 'new']);
});
