import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import type { Change } from '../stack/merge.js';
import { readDisk } from './disk.js';

/** What a change does to a file as a unified diff; empty where it does nothing. Values of `.env` are not shown. */
export function changeDiff(directory: string, change: Change): string {
  const mine = readDisk(directory, change.from ?? change.path);
  const next =
    change.file?.content ?? change.conflict?.next.content ?? (change.action === 'removed' ? '' : undefined);
  if (next === undefined) return '';
  const hide = (text: string): string =>
    change.path === '.env' ? text.replace(/^([ \t#]*\w+[ \t]*=)[^\r\n]+/gm, '$1...') : text;
  const before = mine?.kind === 'text' ? mine.text : '';
  if (before === next) return '';
  return createTwoFilesPatch(
    mine ? `a/${change.from ?? change.path}` : '/dev/null',
    change.action === 'removed' ? '/dev/null' : `b/${change.path}`,
    hide(before),
    hide(next),
    undefined,
    undefined,
    { context: 3 },
  ).replace(/^=+\n/, '');
}

/** A unified diff in the colours that git uses, where the stream is a terminal that wants them. */
export function colourDiff(diff: string, stream: NodeJS.WriteStream): string {
  if (!stream.isTTY || process.env.NO_COLOR) return diff;
  const codes: Record<string, string> = { '+': '32', '-': '31', '@': '36' };
  return diff
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return `\u001b[1m${line}\u001b[0m`;
      const code = codes[line[0] ?? ''];
      return code === undefined ? line : `\u001b[${code}m${line}\u001b[0m`;
    })
    .join('\n');
}

/** The path as the user would type it. */
export function shownPath(directory: string, path: string): string {
  return directory === process.cwd() ? path : join(directory, path);
}
