import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { OnResolveArgs, Plugin, PluginBuild, ResolveResult } from 'esbuild';
import { edited, edits } from './edits.js';
import { absentModule, leftOut, standIns } from './left-out.js';
import type { Replaced } from './replaced.js';

/** What the bundle has in other words than the sources: see replaced.ts, left-out.ts and edits.ts. */
export function plugin(root: string, replaced: Record<string, Replaced>): Plugin {
  return {
    name: 'create-osgs',
    setup(building) {
      building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const module = replaced[relative(root, path)];
        return module && { contents: module.code, loader: 'js', resolveDir: root };
      });
      const absent = { ...leftOut, ...standIns };
      const names = Object.keys(absent).map((name) => name.replaceAll('.', '\\.'));
      building.onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ path }) => ({
        path,
        namespace: 'absent',
      }));
      building.onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
        contents: standIns[path] ?? absentModule(path),
        loader: 'js',
      }));
      const changes = edits(root);
      building.onLoad({ filter: /node_modules[\\/]yeoman-.*\.js$/ }, ({ path }) => {
        const own = changes[relative(root, path)];
        return own && { contents: edited(path, readFileSync(path, 'utf8'), own), loader: 'js' };
      });
      // Node's condition leads to CommonJS, of which nothing can be left out.
      building.onResolve({ filter: /^rxjs$/ }, () => ({
        path: join(root, 'node_modules/rxjs/dist/esm/index.js'),
      }));
      const once = onlyOnce();
      building.onResolve({ filter: /^[@a-z]/ }, (args) => once(building, args));
    },
  };
}

const asked = {};

/** npm may install one version of a package in several places: the bundle takes the first of them for all. */
function onlyOnce(): (building: PluginBuild, args: OnResolveArgs) => Promise<ResolveResult | undefined> {
  const places = new Map<string, string>();
  return async (building, { path, kind, importer, resolveDir, pluginData }) => {
    if (pluginData === asked) return undefined;
    const found = await building.resolve(path, { kind, importer, resolveDir, pluginData: asked });
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(found.path)?.[0];
    if (folder === undefined || found.external || found.namespace !== 'file') return found;
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    const { name, version } = JSON.parse(text) as { name: string; version: string };
    const first = places.get(`${name}@${version}`) ?? folder;
    places.set(`${name}@${version}`, first);
    return { ...found, path: first + found.path.slice(folder.length) };
  };
}
