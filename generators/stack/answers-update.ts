import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Answers } from './answers.js';

/**
 * The text of an `osgs.yaml` that is there, with other answers: only what differs is changed, so that the owner's
 * comments, order and quoting stay.
 */
export function updateAnswers(text: string, answers: Answers): string {
  const document = parseDocument(text);
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  let changed = false;
  for (const [key, value] of Object.entries(answers) as [keyof Answers, unknown][]) {
    const present = document.get(key, true) as Node | undefined;
    if (present === undefined && isEmpty(value)) continue;
    changed = setKey(document, document.contents, key, value) || changed;
  }
  if (!changed) return text;
  return document.toString({ lineWidth: 0, flowCollectionPadding: /[[{] +\S/.test(text) });
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  );
}

/** Makes a key of a map say what `value` says. Gives whether anything changed. */
function setKey(document: Document, map: YAMLMap, key: string, value: unknown): boolean {
  const present = map.get(key, true) as Node | undefined;
  if (value === undefined || (value === '' && present === undefined)) return false;
  if (present !== undefined && same(document, present, value)) return false;
  if (isMap(present) && isPlainObject(value)) return setMap(document, present, value);
  if (isSeq(present) && Array.isArray(value)) return setSeq(document, present, value);
  if (isScalar(present) && typeof value !== 'object') present.value = value;
  else {
    if (present !== undefined) keepComments(document, present);
    map.set(key, document.createNode(value));
  }
  return true;
}

/** What the owner wrote beside something that goes away moves to the end of the file. */
function keepComments(document: Document, gone: unknown): void {
  const comments: string[] = [];
  const take = (node: { commentBefore?: string | null; comment?: string | null }): void => {
    comments.push(...[node.commentBefore, node.comment].filter((text): text is string => Boolean(text)));
  };
  if (isNode(gone)) visit(gone, { Node: (_key, node) => take(node) });
  if (comments.length === 0) return;
  document.comment = [...(document.comment ? [document.comment] : []), ...comments].join('\n');
}

function setMap(document: Document, map: YAMLMap, value: Record<string, unknown>): boolean {
  for (const pair of [...map.items]) {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    if (name in value) continue;
    keepComments(document, pair.key);
    keepComments(document, pair.value);
    map.delete(pair.key);
  }
  for (const [key, item] of Object.entries(value)) setKey(document, map, key, item);
  if (map.items.length === 0) {
    // `{}` has no place for comments.
    keepComments(document, map);
    map.comment = map.commentBefore = null;
    map.flow = true;
  }
  return true;
}

/** Items are the same when they are equal, or name the same host: those keep their place and their comments. */
function setSeq(document: Document, seq: YAMLSeq, value: unknown[]): boolean {
  const left = [...seq.items] as Node[];
  const found = value.map((item) => {
    const at = left.findIndex((node) => same(document, node, item) || sameHost(node, item));
    const node = at < 0 ? undefined : left.splice(at, 1)[0];
    if (isMap(node) && isPlainObject(item)) setMap(document, node, item);
    return node;
  });
  for (const gone of left) keepComments(document, gone);
  const made = value.map((item, index) => found[index] ?? document.createNode(item));
  // The order of domains says which is the primary one; that of names is the owner's.
  seq.items = value.some(isPlainObject)
    ? made
    : [
        ...seq.items.filter((node) => found.includes(node as Node)),
        ...made.filter((node) => !seq.items.includes(node)),
      ];
  return true;
}

function sameHost(node: Node, item: unknown): boolean {
  return isMap(node) && isPlainObject(item) && item.host !== undefined && node.get('host') === item.host;
}

function same(document: Document, node: Node, value: unknown): boolean {
  return JSON.stringify(sorted(node.toJS(document))) === JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value))
    return value.some(isPlainObject) ? value.map(sorted) : [...(value as string[])].sort();
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, sorted(value[key])]),
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
