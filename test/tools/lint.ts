import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFolder, run, type Ran } from '../run.js';

let pair: string | undefined;

/** A throw-away certificate, made once. */
function certificate(): string {
  if (pair === undefined) {
    pair = emptyFolder();
    const made = run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test',
      '-keyout',
      join(pair, 'privkey.pem'),
      '-out',
      join(pair, 'fullchain.pem'),
    ]);
    if (made.code !== 0) throw new Error(made.stderr);
  }
  return pair;
}

/** An emitted nginx tree in a folder of its own, fit to be run here, with a throw-away certificate for every site. */
export function localNginx(repository: string): { folder: string; main: string } {
  const folder = emptyFolder();
  cpSync(join(repository, 'nginx'), folder, { recursive: true });
  for (const name of readdirSync(join(folder, 'sites'))) {
    const file = join(folder, 'sites', name);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\/certificates\/[^/]+\//g, `${certificate()}/`));
  }
  const main = join(folder, 'nginx.conf');
  writeFileSync(
    main,
    readFileSync(main, 'utf8')
      .replace('user nginx;', 'user root;')
      .replace(/worker_processes [0-9]+;/, 'worker_processes 2;')
      .replace('/dev/stdout', join(folder, 'access.log'))
      .replace('/run/nginx.pid', join(folder, 'pid'))
      .replace('/var/cache/osgs', join(folder, 'cache'))
      .replace('/var/cache/nginx/bodies', join(folder, 'bodies'))
      .replace('/var/cache/nginx/portal', join(folder, 'portal-cache'))
      .replace('/var/cache/nginx/proxy', join(folder, 'proxy')),
  );
  mkdirSync(join(folder, 'local.d'), { recursive: true });
  return { folder, main };
}

/** Runs `nginx -t` over an emitted nginx tree. */
export function nginxTest(repository: string): Ran {
  return run('nginx', ['-t', '-q', '-c', localNginx(repository).main, '-e', 'stderr']);
}
