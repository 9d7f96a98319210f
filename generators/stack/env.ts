import { randomBytes, randomInt } from 'node:crypto';
import type { CatalogService, Rotation, Setting } from '../../catalog/service.js';
import type { ComposeModel } from './compose.js';
import { applies } from './conditions.js';
import type { Stack } from './stack.js';

export interface EnvEntry {
  variable: string;
  help: string;
  /** The headline that it stands below: a service's title. */
  section: string;
  /** Undefined for a secret. */
  value: string | undefined;
  /** Of a secret that is not 32 letters and digits. */
  format?: Setting['format'];
  /** Of a secret that is not changed by a new value here alone. */
  rotate?: Rotation;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * A secret of 32 letters and digits from the system's cryptographic generator: 190 bits, and nothing in it that dotenv,
 * a URL, SQL or a shell would read as its own. There is a digit, a capital and a small letter in it, which some services
 * want of a password. Or 64 hexadecimal digits, 256 bits, where an image wants these. `scripts/env.sh` follows the same rule.
 */
export function makeSecret(format?: Setting['format']): string {
  if (format === 'hex64') return randomBytes(32).toString('hex');
  for (;;) {
    const secret = Array.from({ length: 32 }, () => alphabet[randomInt(alphabet.length)]).join('');
    if (/[0-9]/.test(secret) && /[a-z]/.test(secret) && /[A-Z]/.test(secret)) return secret;
  }
}

/** What the scripts for backups read. */
const backup = (
  [
    [
      'PASSPHRASE',
      '',
      'Encrypts backups with gpg and this passphrase. Keep it elsewhere, too: without it no backup can be read.',
    ],
    [
      'RECIPIENT',
      '',
      "Or encrypts them for the owner of this public key, a file here that 'gpg --export' made: this host cannot read them.",
    ],
    ['KEEP_DAILY', '7', "Days of which 'make backup-prune' keeps the newest backup."],
    ['KEEP_WEEKLY', '5', 'The same for weeks.'],
    ['KEEP_MONTHLY', '12', 'The same for months.'],
  ] as const
).map(([name, value, help]): EnvEntry => ({ variable: `BACKUP_${name}`, help, section: 'Backups', value }));

/** Every key of `.env`, in order. */
export function envEntries(stack: Stack, compose: ComposeModel): EnvEntry[] {
  return [...stack.services.flatMap((service) => entriesOf(service, stack, compose)), ...backup];
}

function entriesOf(service: CatalogService, stack: Stack, compose: ComposeModel): EnvEntry[] {
  return [
    ...stack.settings
      .filter(
        (setting) =>
          setting.service === service &&
          (setting.definition.type === 'secret' || setting.definition.env === true),
      )
      .map(({ variable, definition, value }) => ({
        variable,
        help: definition.help,
        section: service.title,
        value: definition.type === 'secret' ? undefined : String(value),
        ...(definition.format ? { format: definition.format } : {}),
        ...(definition.rotate && applies(definition.rotate.when ?? {}, service, stack)
          ? { rotate: definition.rotate }
          : {}),
      })),
    ...compose.memory
      .filter((limit) => limit.service === service)
      .map(({ variable, container, value }) => ({
        variable,
        help: `Memory limit of the container ${container}.`,
        section: service.title,
        value,
      })),
  ];
}

/** By this line `scripts/env.sh` knows what to make. */
const hexMark = '# 64 hexadecimal digits:\n';

const head = `# Values of this host. Secrets stand here and nowhere else; git ignores .env.
# A line that is commented shows the default: take the # away to change it.
`;

/** The text of `.env.example`: every key explained, secrets empty. `make env` fills the empty ones. */
export function formatEnvExample(entries: EnvEntry[]): string {
  return head + entries.map((entry, index) => section(entries, index) + formatEntry(entry, '')).join('');
}

/**
 * The text of `.env`: no value that is there changes; keys that it lacks are appended, secrets with new values. Keys of
 * `known`, the keys of last time, that are not used any more are commented and kept, and come back with their value when
 * they are used again: the data that they open may still be there.
 */
export function completeEnv(
  current: string | undefined,
  entries: EnvEntry[],
  known: string[] = [],
  secret: (format?: Setting['format']) => string = makeSecret,
): string {
  if (current === undefined) {
    return (
      head +
      entries
        .map((entry, index) => section(entries, index) + formatEntry(entry, secret(entry.format)))
        .join('')
    );
  }
  const present = retireKeys(
    current,
    entries.map(({ variable }) => variable),
    known,
  );
  const missing = entries.filter(
    ({ variable }) => !new RegExp(`^[ \\t]*#?[ \\t]*(export[ \\t]+)?${variable}[ \\t]*=`, 'm').test(present),
  );
  if (missing.length === 0) return present;
  const gap = present === '' || present.endsWith('\n') ? '' : '\n';
  return (
    present +
    gap +
    missing.map((entry, index) => section(missing, index) + formatEntry(entry, secret(entry.format))).join('')
  );
}

const retired = '# Not used by this stack any more; kept, for its data may still be there:';

/** Comments the keys of `known` that are not `wanted`, and takes back those that are wanted again. */
export function retireKeys(text: string, wanted: string[], known: string[]): string {
  const gone = new Set(known.filter((key) => !wanted.includes(key)));
  return text
    .replace(
      /^# Not used by this stack any more; kept, for its data may still be there:\r?\n#((?:export[ \t]+)?(\w+)[ \t]*=)/gm,
      (whole, assignment: string, key: string) => (wanted.includes(key) ? assignment : whole),
    )
    .replace(/^[ \t]*((?:export[ \t]+)?(\w+)[ \t]*=.*)$/gm, (whole, line: string, key: string) =>
      // A quoted value may go on in the next line: such a key stays as it is.
      gone.has(key) && !/=[ \t]*(["'])(?!.*\1)/.test(line) ? `${retired}\n#${line}` : whole,
    );
}

/** The keys that a compose file takes values of: `${KEY}`, `${KEY:?...}`, `$KEY`, and `./.secrets/KEY` for a file. */
export function usedKeys(compose: string): string[] {
  return [...compose.matchAll(/(?:(?<!\$)\$\{?|\.\/\.secrets\/)([A-Za-z_][A-Za-z0-9_]*)/g)].map(
    ([, key = '']) => key,
  );
}

/** The keys that a text of `.env.example` names. */
export function envKeys(example: string): string[] {
  return [...example.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, key = '']) => key);
}

function section(entries: EnvEntry[], index: number): string {
  const title = entries[index]?.section;
  return entries[index - 1]?.section === title ? '' : `\n# --- ${title ?? ''}\n`;
}

function formatEntry(entry: EnvEntry, secret: string): string {
  return entry.value === undefined
    ? `# ${entry.help}\n${entry.format ? hexMark : ''}${entry.variable}=${secret}\n`
    : `# ${entry.help}\n#${entry.variable}=${entry.value}\n`;
}
