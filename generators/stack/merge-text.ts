import { diff3Merge, diffComm } from 'node-diff3';

export interface TextMerge {
  /** The merged text; with conflict markers where `conflicts` is not 0. */
  text: string;
  conflicts: number;
}

/** What stands at the conflict markers. */
export interface Labels {
  mine: string;
  base: string;
  next: string;
}

interface Region {
  ok?: string[];
  conflict?: { a: string[]; o: string[]; b: string[] };
}

/**
 * Merges two changes of one text line by line, as `git merge-file --diff3` does. Line ends follow `mine`: where all of
 * its lines end in CR LF so do those of the result, and a last line without an end is not taken for an edit.
 */
export function mergeText(mine: string, base: string, next: string, labels: Labels): TextMerge {
  if (usesCrLf(mine) && !usesCrLf(base)) {
    const merged = mergeText(toLf(mine), base, next, labels);
    return { ...merged, text: merged.text.replaceAll('\n', '\r\n') };
  }
  if (mine !== '' && !mine.endsWith('\n') && base.endsWith('\n') && next.endsWith('\n')) {
    const merged = mergeText(`${mine}\n`, base, next, labels);
    const lastLine = mine.slice(mine.lastIndexOf('\n') + 1);
    const same = merged.text === `${lastLine}\n` || merged.text.endsWith(`\n${lastLine}\n`);
    return same ? { ...merged, text: merged.text.slice(0, -1) } : merged;
  }
  const regions = diff3Merge(splitLines(mine), splitLines(base), splitLines(next), {
    excludeFalseConflicts: true,
  }) as Region[];
  let conflicts = 0;
  const text = regions
    .map(({ ok, conflict }) => {
      if (!conflict) return (ok ?? []).join('');
      conflicts += 1;
      return [
        marker('<', labels.mine),
        block(conflict.a),
        marker('|', labels.base),
        block(conflict.o),
        '=======\n',
        block(conflict.b),
        marker('>', labels.next),
      ].join('');
    })
    .join('');
  return { text, conflicts };
}

/** Both texts in one, with markers around the lines in which they differ. */
export function markDifferences(mine: string, next: string, labels: Labels): string {
  const blocks = diffComm(splitLines(mine), splitLines(withEndsOf(next, mine))) as {
    common?: string[];
    buffer1?: string[];
    buffer2?: string[];
  }[];
  return blocks
    .map(({ common, buffer1, buffer2 }) =>
      common
        ? common.join('')
        : `${marker('<', labels.mine)}${block(buffer1 ?? [])}=======\n${block(buffer2 ?? [])}${marker('>', labels.next)}`,
    )
    .join('');
}

/** Whether a text still holds conflict markers of ours or git's. */
export function hasMarkers(text: string): boolean {
  return /^<{7} /m.test(text) && /^={7}\r?$/m.test(text) && /^>{7} /m.test(text);
}

/** Two texts that differ in their line ends at most. */
export function sameLines(one: string, other: string): boolean {
  return one === other || toLf(one) === toLf(other);
}

/** Lines with their ends; the last may have none. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** The text with the line ends of another. */
export function withEndsOf(text: string, other: string | undefined): string {
  return other !== undefined && usesCrLf(other) ? toLf(text).replaceAll('\n', '\r\n') : text;
}

/**
 * How alike two texts are, from 0 to 1: the share of lines that they have in common, each counted as often as it stands
 * in both.
 */
export function similarity(one: string, other: string): number {
  const lines = splitLines(one);
  const others = splitLines(other);
  if (lines.length + others.length === 0) return 1;
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  let common = 0;
  for (const line of others) {
    const left = counts.get(line) ?? 0;
    if (left > 0) {
      common += 1;
      counts.set(line, left - 1);
    }
  }
  return (2 * common) / (lines.length + others.length);
}

function usesCrLf(text: string): boolean {
  return text.includes('\r\n') && !/(?<!\r)\n/.test(text);
}

function toLf(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

function marker(sign: string, label: string): string {
  return `${sign.repeat(7)} ${label}\n`;
}

function block(lines: string[]): string {
  const text = lines.join('');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
