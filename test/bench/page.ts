import { median, type Rerun, type Results } from './results.js';

/** A figure in a row of the table, and how it is written. */
const rows: [figure: string, title: string, format: (value: number) => string][] = [
  ['packages', 'packages downloaded', String],
  ['tarball', 'its tarball, kB', kilo],
  ['unpacked', 'all of it unpacked, kB', kilo],
  ['cold to done', 'empty cache to done, ms', String],
  ['cold to first prompt', 'empty cache to first prompt, ms', String],
  ['warm to first prompt', 'by npm to first prompt, ms', String],
  ['first prompt', 'the command alone to first prompt, ms', String],
  ['done', 'the command alone to done, ms', String],
  ['help', '`--help`, ms', String],
  ['memory', 'peak memory of doing it, MiB', String],
];

function kilo(bytes: number): string {
  return String(Math.round(bytes / 1000));
}

/** The text of `BENCHMARKS.md`. */
export function benchmarksPage({ node, cores, compared, reruns }: Results): string {
  const head = compared.map(({ name, version }) => `${name} ${version}`).join(' | ');
  const lines = rows.map(([figure, title, format]) => {
    const cells = compared.map(({ figures }) => {
      const value = median(figures[figure]);
      return value === undefined ? '-' : format(value);
    });
    return `| ${title} | ${cells.join(' | ')} |\n`;
  });
  const runs = compared[0]?.figures.help?.length ?? 0;
  const own = (figure: string): string => String(median(compared[0]?.figures[figure]) ?? '-');
  return `# Benchmarks

Made by \`npm run bench\` on ${cores} cores, Linux: do not edit this page. [All runs](test/bench/results.json).

## Beside others

Medians of ${runs} runs, taken in turn, all from one registry on the same machine, with Node ${node.compared}. "Done" is a stack
of ten services; a Vite, a Svelte or a projen project, without installing its packages. create-astro needs GitHub, projen asks
nothing, and JHipster takes minutes to be done.

| | ${head} |
|---|${'---:|'.repeat(compared.length)}
${lines.join('')}
## Targets

| what | target | measured |
|---|---:|---:|
${targets(compared).map(targetRow).join('')}
In the same run \`node -e 0\` took ${own('node -e 0')} ms, and a hundred empty files took this disk ${own('a hundred empty files')} ms. The stack of ten services
is ${own('files of ten services')} files with those in \`.osgs\`.

## Running it again

Wall time of the whole command on stacks of generated services, in milliseconds, the smallest of three runs, with Node ${node.reruns}.

| services | domains | files | run | ms | MiB |
|---:|---:|---:|---|---:|---:|
${reruns.map(rerunRow).join('')}`;
}

function rerunRow({ services, domains, files, run, ms, mib }: Rerun): string {
  return `| ${services} | ${domains} | ${files} | ${run} | ${ms} | ${mib} |\n`;
}

interface Target {
  what: string;
  limit: number;
  value: number;
  unit: string;
}

function targetRow({ what, limit, value, unit }: Target): string {
  const round = unit === '×' ? value.toFixed(2) : String(Math.round(value));
  return `| ${what} | ≤ ${limit} ${unit} | ${round} ${unit}${value > limit ? ', **missed**' : ''} |\n`;
}

function targets(compared: Results['compared']): Target[] {
  const [own, vite] = ['create-osgs', 'create-vite'].map(
    (name) => compared.find((one) => one.name === name)?.figures ?? {},
  );
  const of = (figure: string, figures = own): number => median(figures?.[figure]) ?? NaN;
  const ratio = (figure: string): number => of(figure) / of(figure, vite);
  return [
    { what: 'packages', limit: 1, value: of('packages'), unit: '' },
    { what: 'tarball', limit: 1000, value: of('tarball') / 1000, unit: 'kB' },
    { what: "empty cache to done, to create-vite's", limit: 1.6, value: ratio('cold to done'), unit: '×' },
    {
      what: "by npm to first prompt, to create-vite's",
      limit: 2,
      value: ratio('warm to first prompt'),
      unit: '×',
    },
    {
      what: "the command alone to first prompt, to create-vite's",
      limit: 2,
      value: ratio('first prompt'),
      unit: '×',
    },
    {
      what: '`--version`, to that of `node -e 0`',
      limit: 1.3,
      value: of('version') / of('node -e 0'),
      unit: '×',
    },
    { what: 'a stack of ten services', limit: 400, value: of('ten services'), unit: 'ms' },
    { what: 'a stack of the whole catalogue', limit: 1000, value: of('whole catalogue'), unit: 'ms' },
    {
      what: 'peak memory, of the whole catalogue',
      limit: 150,
      value: of('memory of the whole catalogue'),
      unit: 'MiB',
    },
  ];
}
