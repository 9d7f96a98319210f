import { parseAllDocuments } from 'yaml';

/**
 * What is wrong with a text as the file that its path says it is: YAML, JSON or nginx configuration; undefined where
 * nothing is, and for every other kind of file. A merge can be clean line by line and still break a file.
 */
export function syntaxError(path: string, text: string): string | undefined {
  if (/\.ya?ml$/.test(path)) return yamlError(text);
  if (path.endsWith('.json') || path.endsWith('.geojson')) return jsonError(text);
  if (/^nginx\/.*\.conf$/.test(path)) return nginxError(text);
  return undefined;
}

function yamlError(text: string): string | undefined {
  for (const document of parseAllDocuments(text)) {
    const error = document.errors[0];
    if (error) return error.message.split('\n')[0];
  }
  return undefined;
}

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Braces, quotes and semicolons, by the rules of https://nginx.org/en/docs/beginners_guide.html#conf_structure */
function nginxError(text: string): string | undefined {
  const tokens =
    /#[^\n]*|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\$\{\w+\}|[{};"']|\n|(?:\\.|[^\s{};"'#\\])+|#/g;
  let depth = 0;
  let line = 1;
  let pending = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === '\n') line += 1;
    else if (token.startsWith('#')) continue;
    else if (token === '"' || token === "'") return `line ${line}: a ${token} is not closed`;
    else if (token === ';') pending = 0;
    else if (token === '{') {
      depth += 1;
      pending = 0;
    } else if (token === '}') {
      if (pending > 0) return `line ${pending}: a directive does not end in ;`;
      depth -= 1;
      if (depth < 0) return `line ${line}: a } that closes nothing`;
    } else {
      pending ||= line;
      line += token.split('\n').length - 1;
    }
  }
  if (depth > 0) return `${depth} { not closed`;
  return pending > 0 ? `line ${pending}: a directive does not end in ;` : undefined;
}
