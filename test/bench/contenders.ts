/** A package that people start by npm to make something new. */
export interface Contender {
  name: string;
  version: string;
  /** The file of node_modules/.bin that it is started by. */
  bin: string;
  /** How a person starts it: `npm create vite@9.3.0`. */
  start: string[];
  /** Words after it that make something in the working directory without questions; absent where that needs more network. */
  done?: string[];
  /** Words after it, and what stands on the screen with its first question; absent where it asks none. */
  prompt?: { args: string[]; sees: RegExp };
}

/** What create-osgs is compared with; the versions are fixed, so that the figures of two days can be compared. */
export const others: Contender[] = [
  {
    name: 'create-vite',
    version: '9.3.0',
    bin: 'create-vite',
    start: ['create', '--yes', 'vite@9.3.0', '--'],
    done: ['made', '--template', 'vanilla', '--no-interactive'],
    prompt: { args: [], sees: /Project name/ },
  },
  {
    name: 'sv',
    version: '0.17.1',
    bin: 'sv',
    start: ['exec', '--yes', 'sv@0.17.1', '--'],
    done: ['create', 'made', '--template', 'minimal', '--types', 'ts', '--no-add-ons', '--no-install'],
    prompt: { args: ['create'], sees: /Where would you like/ },
  },
  {
    // It downloads its templates from GitHub.
    name: 'create-astro',
    version: '5.2.4',
    bin: 'create-astro',
    start: ['create', '--yes', 'astro@5.2.4', '--'],
    prompt: { args: ['--skip-houston'], sees: /Where should we create/ },
  },
  {
    name: 'projen',
    version: '0.103.25',
    bin: 'projen',
    start: ['exec', '--yes', 'projen@0.103.25', '--'],
    done: ['new', 'node', '--no-git', '--no-post'],
  },
  {
    name: 'generator-jhipster',
    version: '9.4.0',
    bin: 'jhipster',
    start: ['exec', '--yes', 'generator-jhipster@9.4.0', '--'],
    prompt: { args: ['--skip-git', '--skip-install'], sees: /base name|type.{0,9} of application/i },
  },
];
