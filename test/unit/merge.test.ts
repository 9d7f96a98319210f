import { describe, expect, test } from '@jest/globals';
import { syntaxError } from '../../generators/stack/check-syntax.js';
import { mergeText } from '../../generators/stack/merge-text.js';
import { merge, settle, type Change, type DiskFile } from '../../generators/stack/merge.js';
import type { FileSet } from '../../generators/stack/render.js';

const labels = { mine: 'yours', base: 'base', next: 'new' };

function text(content: string, executable = false): DiskFile {
  return { kind: 'text', text: content, executable };
}

function generated(content: string, mode = 0o644): FileSet {
  return new Map([['f', { content, mode, kind: 'managed' }]]);
}

/** Merges one file `f`. */
function one(
  base: string | undefined,
  next: string | undefined,
  mine: string | DiskFile | undefined,
  ignored = false,
): Change | undefined {
  const disk = typeof mine === 'string' ? text(mine) : mine;
  const files: FileSet = next === undefined ? new Map<string, never>() : generated(next);
  return merge(base === undefined ? [] : ['f'], files, {
    base: () => (base === undefined ? undefined : { text: base, executable: false }),
    mine: () => disk,
    ignored: () => ignored,
  })[0];
}

describe('three states of a file', () => {
  test.each([
    ['a\n', 'a\n', 'a\n', 'unchanged'],
    ['a\n', 'b\n', 'a\n', 'updated'],
    ['a\n', 'a\n', 'x\n', 'kept'],
    ['a\n', 'b\n', 'x\n', 'conflict'],
    ['a\n', 'b\n', 'b\n', 'unchanged'],
    ['a\n', 'b\n', undefined, 'deleted'],
    [undefined, 'b\n', undefined, 'created'],
    [undefined, 'b\n', 'x\n', 'conflict'],
    [undefined, 'b\n', 'b\n', 'unchanged'],
    ['a\n', undefined, 'a\n', 'removed'],
    ['a\n', undefined, 'x\n', 'kept'],
  ])('base %j, generated %j, on disk %j: %s', (base, next, mine, action) => {
    expect(one(base, next, mine)).toMatchObject({ action });
  });

  test('edits in other lines than the generated ones are merged', () => {
    expect(one('1\n2\n3\n4\n5\n', '1\n2\n3\n4\nfive\n', 'one\n2\n3\n4\n5\n')).toMatchObject({
      action: 'merged',
      file: { content: 'one\n2\n3\n4\nfive\n' },
    });
  });

  test('a file that git ignores is neither changed nor removed', () => {
    expect(one('a\n', 'b\n', 'a\n', true)).toEqual({ path: 'f', action: 'kept', why: 'git ignores it' });
    expect(one('a\n', undefined, 'a\n', true)).toMatchObject({ action: 'kept' });
  });

  test.each(['symbolic link', 'folder', 'binary file'] as const)(
    'a %s in the place of a file is left alone, and a conflict where the file has changed',
    (what) => {
      const there: DiskFile = { kind: 'other', text: '', executable: false, what };
      expect(one('a\n', 'a\n', there)).toMatchObject({ action: 'kept' });
      const conflict = one('a\n', 'b\n', there)!;
      expect(conflict).toMatchObject({ action: 'conflict' });
      expect(settle(conflict, 'markers').file).toBeUndefined();
      expect(settle(conflict, 'theirs').file === undefined).toBe(what === 'folder');
    },
  );

  test('the executable bit is merged like a line', () => {
    const states = (mine: boolean, base: boolean, next: number, content = 'b\n'): Change | undefined =>
      merge(['f'], generated(content, next), {
        base: () => ({ text: 'a\n', executable: base }),
        mine: () => text('a\n', mine),
      })[0];
    expect(states(true, true, 0o755)).toMatchObject({ file: { mode: 0o755 } });
    expect(states(false, true, 0o755)).toMatchObject({ file: { mode: 0o644 } });
    expect(states(false, false, 0o755)).toMatchObject({ file: { mode: 0o755 } });
    expect(states(false, false, 0o755, 'a\n')).toMatchObject({ file: { mode: 0o755, content: 'a\n' } });
  });

  test('an edited file whose content moved to a new name takes its edit along', () => {
    const body = Array.from({ length: 20 }, (_, line) => `line ${line}\n`).join('');
    const next: FileSet = new Map([['new', { content: `${body}end\n`, mode: 0o644, kind: 'managed' }]]);
    const changes = merge(['old'], next, {
      base: (path) => (path === 'old' ? { text: body, executable: false } : undefined),
      mine: (path) => (path === 'old' ? text(`mine\n${body}`) : undefined),
    });
    expect(changes).toMatchObject([
      { path: 'new', action: 'merged', from: 'old', file: { content: `mine\n${body}end\n` } },
      { path: 'old', action: 'removed' },
    ]);
  });

  test('a folder makes room for a file only where all that is in it goes away', () => {
    const merged = (entries: string[]): Change | undefined =>
      merge(['f/a'], generated('new\n'), {
        base: (path) => (path === 'f/a' ? { text: 'a\n', executable: false } : undefined),
        mine: (path) =>
          path === 'f/a'
            ? text('a\n')
            : { kind: 'other', text: '', executable: false, what: 'folder', entries },
      }).find(({ path }) => path === 'f');
    expect(merged(['f/a'])).toMatchObject({ action: 'created' });
    expect(merged(['f/a', 'f/mine'])).toMatchObject({ action: 'conflict' });
  });

  test('a merge that is clean line by line but does not parse is a conflict', () => {
    const base = 'a:\n  x: 1\nb:\n  y: 1\nc:\n  z: 1\n';
    const changes = merge(
      ['s.yaml'],
      new Map([['s.yaml', { content: `${base}d: 1\n`, mode: 0o644, kind: 'managed' }]]),
      {
        base: () => ({ text: base, executable: false }),
        mine: () => text(`d: 2\n${base}`),
      },
    );
    expect(changes).toMatchObject([
      { action: 'conflict', conflict: { why: expect.stringContaining('unique') } },
    ]);
  });

  test('conflict markers that are left are said, whatever the generator has', () => {
    const marked = '<<<<<<< yours\nx\n=======\nb\n>>>>>>> new\n';
    expect(one('b\n', 'b\n', marked)).toMatchObject({
      action: 'conflict',
      conflict: { why: 'conflict markers are left in it' },
    });
  });
});

describe('line ends', () => {
  test('a checkout with CR LF is not an edit, and stays CR LF when it is updated or merged', () => {
    expect(one('a\nb\n', 'a\nb\n', 'a\r\nb\r\n')).toMatchObject({ action: 'unchanged' });
    expect(one('a\nb\n', 'a\nc\n', 'a\r\nb\r\n')).toMatchObject({ file: { content: 'a\r\nc\r\n' } });
    expect(one('a\n1\n2\nb\n', 'a\n1\n2\nc\n', 'x\r\n1\r\n2\r\nb\r\n')).toMatchObject({
      action: 'merged',
      file: { content: 'x\r\n1\r\n2\r\nc\r\n' },
    });
  });

  test('a last line without an end is not taken for an edit of it', () => {
    expect(mergeText('a\nb', 'a\nb\n', 'x\nb\n', labels)).toEqual({ text: 'x\nb', conflicts: 0 });
    expect(mergeText('a\n1\n2\nb', 'a\n1\n2\nb\n', 'a\n1\n2\nb\nc\n', labels)).toEqual({
      text: 'a\n1\n2\nb\nc\n',
      conflicts: 0,
    });
  });
});

describe('what does not parse', () => {
  test.each([
    ['a.yaml', 'a: 1\na: 2\n'],
    ['a.yml', 'a: [1\n'],
    ['a.json', '{'],
    ['nginx/a.conf', 'server {\n'],
    ['nginx/a.conf', 'server { }\n}\n'],
    ['nginx/a.conf', 'listen 80\n'],
    ['nginx/a.conf', 'location / { root /srv }\n'],
    ['nginx/a.conf', 'root "/srv;\n'],
  ])('%s: %j', (path, content) => expect(syntaxError(path, content)).toEqual(expect.any(String)));

  test.each([
    ['a.yaml', 'a: 1\n---\nb: 2\n'],
    [
      'nginx/a.conf',
      '# it\'s {\nserver { listen 80; return 200 "a;{b"; }\nif ($a ~ "^\\\\{") { set $b ${c}d; }\n',
    ],
    ['nginx/a.conf', 'log_format x \'{"a":"$b",\'\n    \'"c":1}\';\n'],
    ['a.sh', '{{{'],
  ])('%s is well: %j', (path, content) => expect(syntaxError(path, content)).toBeUndefined());
});
