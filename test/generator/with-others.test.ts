import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { StackFolder } from './stack-folder.js';

let stack: StackFolder;

beforeEach(() => {
  stack = new StackFolder();
});

describe('two runs at once', () => {
  function lockBy(pid: number, host = hostname()): void {
    mkdirSync(stack.file('.osgs/local'));
    writeFileSync(stack.file('.osgs/local/lock'), JSON.stringify({ pid, host, started: 'x' }));
  }

  test('the second one is refused while the first is alive, wherever it runs', () => {
    mkdirSync(stack.file('.osgs/local'));
    const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(
      stack.file('.osgs/local/lock'),
      JSON.stringify({ pid: process.pid, host: hostname(), started }),
    );
    expect(stack.osgs('add', 'martin', '--yes')).toMatchObject({ code: 1 });
    rmSync(stack.file('.osgs/local'), { recursive: true });
    lockBy(1, 'elsewhere');
    const ran = stack.osgs('add', 'martin', '--yes');
    expect(ran.stderr).toContain('another run is at work here');
    expect(stack.read('osgs.yaml')).not.toContain('martin');
  });

  test('a lock whose process is gone, or is another one by now, is taken over', () => {
    lockBy(4194999);
    expect(stack.osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    writeFileSync(
      stack.file('.osgs/local/lock'),
      JSON.stringify({ pid: process.pid, host: hostname(), started: '1' }),
    );
    expect(stack.osgs('remove', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(existsSync(stack.file('.osgs/local/lock'))).toBe(false);
  });
});

describe('in a git work tree', () => {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: stack.folder,
      encoding: 'utf8',
    });
  beforeEach(() => {
    git('init', '-q');
    git('config', 'user.name', 't');
    git('config', 'user.email', 't@example.org');
    git('add', '-A');
    git('commit', '-q', '-m', 'Create');
  });

  test('changes that are not committed are named, and the run goes on only when told', () => {
    appendFileSync(stack.file('Makefile'), '# mine\n');
    const before = stack.tree();
    const refused = stack.osgs('add', 'martin');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('Not committed yet:\n  Makefile\n');
    expect(stack.tree()).toEqual(before);
    expect(stack.osgs('add', 'martin', '--yes')).toMatchObject({ code: 0 });
    expect(stack.osgs('add', 'hugo', '--no-git')).toMatchObject({ code: 0 });
  });

  test('--commit commits what was written and nothing else, with a message that says what', () => {
    writeFileSync(stack.file('notes.txt'), 'mine');
    git('add', 'notes.txt');
    expect(stack.osgs('add', 'martin', '--yes', '--commit')).toMatchObject({ code: 0 });
    expect(git('log', '-1', '--format=%s').trim()).toBe('Add martin');
    expect(git('show', '--stat', '--format=', 'HEAD')).not.toContain('notes.txt');
    expect(git('status', '--porcelain').trim()).toBe('A  notes.txt');
  });

  test('--commit takes in what was removed, tracked or not', () => {
    stack.osgs('add', 'martin', '--yes');
    expect(stack.osgs('remove', 'martin', '--yes', '--commit')).toMatchObject({ code: 0 });
    expect(git('status', '--porcelain').trim()).toBe('');
  });

  test('without --commit nothing is committed', () => {
    stack.osgs('add', 'martin', '--yes');
    expect(git('log', '--format=%s').trim()).toBe('Create');
    expect(git('status', '--porcelain')).not.toContain('local');
  });

  test('a file that git ignores is left as it is', () => {
    git('rm', '-q', '--cached', 'site/index.html');
    appendFileSync(stack.file('.gitignore'), 'site/\n');
    const mine = stack.read('site/index.html');
    const ran = stack.osgs('add', 'martin', '--yes');
    expect(ran.stderr).toContain('kept site/index.html (git ignores it)');
    expect(stack.read('site/index.html')).toBe(mine);
  });
});
