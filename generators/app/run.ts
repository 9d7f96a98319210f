import { Writable } from 'node:stream';
import { createEnv } from 'yeoman-environment';
import App, { type AppOptions } from './index.js';
import type { Plan } from './plan.js';

/** Runs the generator in an environment of its own, and gives what it decided and, unless it is a dry run, wrote. */
export async function runGenerator(options: Omit<AppOptions, 'done'>): Promise<Plan> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const env = createEnv({
    cwd: process.cwd(),
    ...(options.interactive ? {} : { stdout: silent as never, stderr: silent as never }),
    skipInstall: true,
  });
  env.on('error', () => undefined);
  env.register(App as never, { namespace: 'osgs:app', resolved: import.meta.filename });
  let plan: Plan | undefined;
  const done = (decided: Plan): void => {
    plan = decided;
  };
  await env.run(['osgs:app'], { ...options, done, skipInstall: true, skipCache: true } as never);
  if (!plan) throw new Error('the run ended before it was decided');
  return plan;
}
