import { Document, isScalar, parseDocument, visit } from 'yaml';
import type { Problem } from './problem.js';
import type { TlsMode } from './tls.js';
import { validateAnswers } from './validate-answers.js';
import { readYaml } from './yaml-file.js';

export type SettingValue = string | number | boolean;

export interface DomainAnswer {
  host: string;
  aliases?: string[];
  /** The service that answers at the root of this domain. */
  owner?: string;
  /** Services that are reached by path on this domain and not on the primary one. */
  services?: string[];
}

/** What the owner decided: the content of `osgs.yaml`. The first domain is the primary one. */
export interface Answers {
  name: string;
  /** The use case that the selection came from; its how-to stands in the emitted README. */
  preset?: string;
  services: string[];
  domains: DomainAnswer[];
  tls: TlsMode;
  email?: string;
  /** Published ports: the port's name and the `address:port` on the host. */
  expose: Record<string, string>;
  /** Values that differ from the catalogue's, by service and setting. */
  settings: Record<string, Record<string, SettingValue>>;
}

export interface AnswersFile {
  answers: Partial<Answers>;
  problems: Problem[];
  /** Gives a problem its place in the file. */
  locate: (path: (string | number)[], message: string, remedy?: string) => Problem;
}

/** Reads `osgs.yaml` or the file of `--config`. What is wrong comes back with file, line and column. */
export function parseAnswers(text: string, file: string): AnswersFile {
  const yaml = readYaml(text.trim() === '' ? '{}' : text, file, validateAnswers);
  const answers = yaml.problems.length > 0 ? {} : (yaml.data as Partial<Answers>);
  return { answers, problems: yaml.problems, locate: yaml.at };
}

const comments: Record<keyof Answers, string> = {
  name: ' The name of this stack: a prefix of its containers, networks and volumes. Changing it later leaves the data\n behind in volumes of the old name.',
  preset: ' The use case that this selection came from: README.md has its how-to.',
  services: ' The services of this stack. `create-osgs list` shows all that there are.',
  domains:
    ' The host names. The first is the primary one: services are reached by path there, but for those that\n another domain names under `owner` (answers at its root) or `services` (reached by path there).\n `aliases` redirect to the host.',
  tls: " letsencrypt: Let's Encrypt's certificates, renewed by themselves. self-signed: a certificate authority of this stack\n signs them. files: your own, from the folder certificates/. off: plain HTTP, for trials or behind another proxy.",
  email: ' Whom this stack belongs to; printed in README.md.',
  expose:
    ' Ports that are published beside nginx, as address:port on the host. 127.0.0.1 keeps a port on the host itself.',
  settings:
    ' Settings that differ from their defaults, by service. `.env.example` and the catalogue name them.',
};

/** The text of a new `osgs.yaml`, with a comment on every key. */
export function formatAnswers(answers: Answers): string {
  const ordered: Answers = {
    name: answers.name,
    ...(answers.preset ? { preset: answers.preset } : {}),
    services: answers.services,
    domains: answers.domains,
    tls: answers.tls,
    ...(answers.email ? { email: answers.email } : {}),
    expose: answers.expose,
    settings: answers.settings,
  };
  const document = new Document(ordered);
  document.commentBefore =
    ' The answers that this repository was made from. Edit them and run `npm create osgs@latest .` again.';
  const text = document.toString({ lineWidth: 0 });
  const annotated = parseDocument(text);
  visit(annotated, {
    Pair(index, { key }, ancestors) {
      if (!isScalar(key) || ancestors.length !== 2) return;
      key.commentBefore = comments[key.value as keyof Answers];
      key.spaceBefore = index !== 0;
    },
  });
  return annotated.toString({ lineWidth: 0 });
}
