import type { ErrorObject } from 'ajv';
import { isMap, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import type { Problem } from './problem.js';
import type { Validate } from './schema.js';

export type Path = (string | number)[];

/** A YAML text that was read, and where its parts stand. */
export interface YamlFile {
  data: unknown;
  problems: Problem[];
  /** A problem at the node that `path` names, or at the nearest one above it. */
  at: (path: Path, message: string, remedy?: string) => Problem;
}

/** Reads YAML and checks it against a schema. Nothing is thrown: what is wrong comes back with its line and column. */
export function readYaml(text: string, file: string, validate: Validate): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (path: Path, message: string, remedy?: string): Problem => ({
    file,
    ...position(document, path, lines),
    message,
    ...(remedy === undefined ? {} : { remedy }),
  });
  const problems: Problem[] = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { file, line, column: col, message: `this is not valid YAML: ${error.message}` };
  });
  if (problems.length > 0) return { data: undefined, problems, at };
  const data: unknown = document.toJS();
  if (!validate(data)) {
    for (const error of validate.errors ?? []) {
      if (['if', 'anyOf', 'oneOf'].includes(error.keyword) && (validate.errors?.length ?? 0) > 1) continue;
      problems.push(at(errorPath(error), describe(error)));
    }
  }
  return { data, problems, at };
}

function errorPath(error: ErrorObject): Path {
  const path: Path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  if (error.keyword === 'additionalProperties') path.push(String(error.params.additionalProperty));
  return path;
}

function describe(error: ErrorObject): string {
  const where = error.instancePath.slice(1).replaceAll('/', '.');
  if (error.keyword === 'additionalProperties') {
    return `unknown key '${String(error.params.additionalProperty)}'${where ? ` in ${where}` : ''}`;
  }
  if (error.keyword === 'enum') {
    return `${where || 'this'} must be one of ${(error.params.allowedValues as unknown[]).join(', ')}`;
  }
  return `${where || 'the file'} ${error.message ?? 'is wrong'}`;
}

function position(
  document: Document,
  path: Path,
  lines: LineCounter,
): { line: number; column: number } | object {
  for (let length = path.length; length >= 0; length--) {
    const parent: unknown =
      length === 0 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair =
      length > 0 && isMap(parent) ? parent.items.find((item) => String(item.key) === String(key)) : undefined;
    const node: unknown =
      pair?.key ?? (length === 0 ? document.contents : document.getIn(path.slice(0, length), true));
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return { line, column: col };
    }
  }
  return {};
}
