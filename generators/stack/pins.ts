import type { BaseFile, DiskFile } from './merge.js';
import type { OutputFile } from './render.js';

// `make lock` writes the digest of an image behind its tag, in compose.yaml: `image: NAME:TAG@sha256:...`. The digest belongs to
// that tag. It is no edit that a merge must reconcile: where the tag stays, the digest stays; with a new tag it goes.

const imageLine = /^(\s+image: )([^\s@]+)(?:@(sha256:[0-9a-f]{64}))?$/gm;

/** The digests that the owner has put behind image tags, by image and tag. Those that the text had when it was made are not among them. */
export function ownPins(mine: string, base = ''): Map<string, string> {
  const made = pins(base);
  return new Map([...pins(mine)].filter(([image, digest]) => made.get(image) !== digest));
}

function pins(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(imageLine)].flatMap(([, , image = '', digest]): [string, string][] =>
      digest === undefined ? [] : [[image, digest]],
    ),
  );
}

/** The text with these digests behind the images that it names. */
export function withPins(text: string, digests: Map<string, string>): string {
  return text.replace(imageLine, (line, start: string, image: string) => {
    const digest = digests.get(image);
    return digest === undefined ? line : `${start}${image}@${digest}`;
  });
}

/** A file as generated last time and now, with the digests that the owner has put into the one on disk. */
export function keepPins(
  mine: DiskFile,
  base: BaseFile | undefined,
  next: OutputFile,
): { base: BaseFile | undefined; next: OutputFile } {
  const own = ownPins(mine.text, base?.text);
  if (own.size === 0) return { base, next };
  return {
    base: base && { ...base, text: withPins(base.text, own) },
    next: { ...next, content: withPins(next.content, own) },
  };
}
