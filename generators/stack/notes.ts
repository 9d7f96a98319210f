import { parse } from 'yaml';
import type { Stack } from './stack.js';

interface Compose {
  name?: string;
  services?: Record<string, { image?: string } | undefined>;
  volumes?: Record<string, unknown>;
}

/**
 * What the owner has to know or to do by hand when one compose file takes the place of another: new image versions,
 * with the catalogue's note where one cannot read the data of the other, and volumes that nothing uses any more.
 */
export function changeNotes(before: string | undefined, after: string, stack: Stack): string[] {
  if (before === undefined) return [];
  const old = read(before);
  const now = read(after);
  const notes: string[] = [];
  const seen = new Set<string>();
  for (const [name, definition] of Object.entries(now.services ?? {})) {
    const from = imageOf(old.services?.[name]?.image);
    const to = imageOf(definition?.image);
    if (!from || !to || (from.name === to.name && from.tag === to.tag)) continue;
    const change = `${from.name}:${from.tag} -> ${to.name}:${to.tag}`;
    if (seen.has(change)) continue;
    seen.add(change);
    notes.push(`new image: ${change}`);
    const service = stack.services.find(({ image }) => image.name === to.name);
    for (const { part, note } of service?.upgrade ?? []) {
      const partOf = (tag: string): string | undefined => new RegExp(part).exec(tag)?.[0];
      if (partOf(from.tag) !== partOf(to.tag)) notes.push(`${service?.title ?? name}: ${note.trim()}`);
    }
  }
  const unused = Object.keys(old.volumes ?? {}).filter((volume) => !(volume in (now.volumes ?? {})));
  if (unused.length > 0) {
    const names = unused.map((volume) => `${now.name ?? old.name ?? ''}_${volume}`);
    notes.push(
      `volumes that hold data no service uses any more: ${names.join(', ')}; once you are sure: docker volume rm ${names.join(' ')}`,
    );
  }
  return notes;
}

function read(text: string): Compose {
  try {
    return (parse(text) as Compose | null) ?? {};
  } catch {
    return {};
  }
}

/** `name:tag`; the tag of a reference that may hold a registry's port, and a digest. */
function imageOf(image: string | undefined): { name: string; tag: string } | undefined {
  const match = /^([^@]+):([^:/@]+)(?:@.+)?$/.exec(image ?? '');
  return match ? { name: match[1] ?? '', tag: match[2] ?? '' } : undefined;
}
