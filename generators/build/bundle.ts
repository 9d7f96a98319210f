// Makes the package's code from the sources: dist/bundle, with everything in it that it needs from other packages.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { packageRoot } from '../../catalog/root.js';
import { bundledPackages, licences } from './licences.js';
import { plugin } from './plugin.js';
import { replacedModules } from './replaced.js';
import { sbom } from './sbom.js';

const root = packageRoot();
const out = join(root, 'dist/bundle');
const replaced = replacedModules();

const common = {
  absWorkingDir: root,
  outdir: out,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.17',
  minify: true,
  // Whole texts are in LICENSES.txt.
  legalComments: 'none',
  entryNames: '[name]',
  metafile: true,
  plugins: [plugin(root, replaced)],
} as const satisfies BuildOptions;

async function bundle(): Promise<Metafile[]> {
  // One small file of its own: with the version that is all that is read.
  const start = await build({
    ...common,
    entryPoints: ['generators/cli/main.ts'],
    external: ['./command.js'],
  });
  const rest = await build({
    ...common,
    entryPoints: ['generators/cli/command.ts', 'generators/core.ts'],
    chunkNames: '[name]-[hash]',
    splitting: true,
    // CommonJS packages ask for Node's modules by require.
    banner: {
      js: "import{createRequire as osgsRequire}from'node:module';const require=osgsRequire(import.meta.url);",
    },
  });
  return [start.metafile, rest.metafile];
}

rmSync(out, { recursive: true, force: true });
const metafiles = await bundle();
for (const { file } of Object.values(replaced)) if (file) writeFileSync(join(out, file.name), file.content);
const packages = bundledPackages(root, metafiles);
writeFileSync(join(out, 'LICENSES.txt'), licences(root, packages));
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<typeof sbom>[0];
writeFileSync(join(out, 'sbom.cdx.json'), sbom(own, packages));
chmodSync(join(out, 'main.js'), 0o755);
// What is in each file, for whoever asks what makes the package large.
if (process.env.OSGS_META) writeFileSync(process.env.OSGS_META, JSON.stringify(metafiles));
