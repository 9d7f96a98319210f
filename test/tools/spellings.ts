/** How a test spells the way from one location of nginx into another. */
export interface Spelling {
  name: string;
  /** The path as it is sent, byte for byte. */
  path: string;
}

const dots = [
  '..',
  '%2e%2e',
  '.%2E',
  '%2e.',
  '%252e%252e',
  '%25252e%25252e',
  '..;',
  '..;x=1',
  '%2e%2e;a',
  '..%3bx',
];
const slashes = ['/', '//', '%2f', '%2F', '\\', '%5c', '%252f', '%255C', '/./', '/%2e/'];

const swapCase = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
const encoded = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => `%${letter.charCodeAt(0).toString(16)}`);

/**
 * Spellings of a path that begins with the location `from` and that some program, by some reading, takes for one below
 * `into`. Both begin with a slash; `host` is the host name of the site.
 */
export function spellings(from: string, into: string, host: string): Spelling[] {
  const inside = from.endsWith('/') ? from : `${from}/`;
  const depth = inside.split('/').length - 2;
  const target = into.replace(/^\//, '');
  const made: Spelling[] = [];
  const add = (name: string, path: string): void => void made.push({ name, path });
  for (const dot of dots)
    for (const slash of slashes) {
      const up = `${dot}${slash}`.repeat(Math.max(depth, 1));
      add(`${dot} and ${slash}`, `${inside}${up}${target}x`);
      // One part more than there is, and one that is left again.
      add(`${dot} and ${slash} after a part`, `${inside}y${slash}${dot}${slash}${up}${target}x`);
    }
  // From the front: what matches the location is what remains after the way into the other is left.
  for (const dot of ['..', '%2e%2e', '..;', '%252e%252e']) {
    const back = `${dot}/`.repeat(into.split('/').filter(Boolean).length + 1);
    add(`${dot} from the front`, `${into.replace(/\/?$/, '/')}x/${back}${from.slice(1)}`);
  }
  add('the path itself', `${into}x`);
  add('two slashes', `/${inside}${target}x`);
  add('a host name in the path', `//${inside.slice(1)}${target}x`);
  add('three slashes', `//${inside}${target}x`);
  add('another case', `${swapCase(into)}x`);
  add('the first letter in another case', `${into.replace(/[a-z]/i, swapCase)}x`);
  add('percent-encoded letters', `${encoded(into)}x`);
  add('percent-encoded letters, other case', `${encoded(swapCase(into))}x`);
  add('path parameters', `${into.replace(/(?<=[^/])\/?$/, ';x=1/')}x`);
  add('empty path parameters', `${into.replace(/(?<=[^/])\/?$/, ';/')}x`);
  add('path parameters, other case', `${swapCase(into).replace(/(?<=[^/])\/?$/, ';x=1/')}x`);
  add('encoded path parameters', `${into.replace(/(?<=[^/])\/?$/, '%3bx=1/')}x`);
  add('path parameters of the location', `${from.replace(/\/$/, '')};/../${target}x`);
  add('an address', `http://${host}${inside}../${target}x`);
  add('an address of another scheme', `https://${host}${inside}..%2f${target}x`);
  add('an address with a user', `http://a@${host}${swapCase(into)}x`);
  add('a fragment', `${inside}#/../${target}x`);
  add('a fragment after the other', `${into}x#${from}`);
  add('an encoded question mark', `${inside}%3f/../${target}x`);
  add('a question mark before', `${into}x?${from}`);
  add('an encoded null', `${inside}%00/../${target}x`);
  add('an encoded line end', `${into}x%0a${from}`);
  add('an overlong slash', `${inside}..%c0%af${target}x`);
  add('an overlong dot', `${inside}%c0%ae%c0%ae/${target}x`);
  add('a full-width dot', `${inside}%ef%bc%8e%ef%bc%8e/${target}x`);
  add('a tab', `${inside}..%09/${target}x`);
  add('a plus', `${inside}..+/${target}x`);
  return made;
}

/** The ways in which programs read a path that reaches them, each as a plain path in lower case. */
export function readings(raw: string): string[] {
  const found = new Set<string>();
  const resolve = (path: string): string => {
    const parts: string[] = [];
    for (const part of path.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '.' && part !== '') parts.push(part);
    }
    return `/${parts.join('/')}${/(^|\/)\.{0,2}$/.test(path) && parts.length > 0 ? '/' : ''}`;
  };
  const decode = (text: string): string =>
    text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const starts = [raw.split('?')[0] ?? '', (raw.split('?')[0] ?? '').split('#')[0] ?? ''];
  try {
    starts.push(new URL(raw, 'http://service').pathname);
  } catch {
    // No address by this reading.
  }
  for (const start of starts)
    for (let text = start, rounds = 0; rounds < 4; rounds += 1, text = decode(text))
      for (const one of [text, text.replaceAll('\\', '/')])
        for (const two of [one, one.replace(/;[^/]*/g, '')]) {
          const three = two.split(/[\0\n?#]/)[0] ?? '';
          found.add(two.toLowerCase()).add(resolve(two).toLowerCase()).add(resolve(three).toLowerCase());
        }
  return [...found];
}
