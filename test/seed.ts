import fc from 'fast-check';

/** Property tests try the same cases on every machine; `OSGS_SEED` looks for others. */
fc.configureGlobal({ seed: Number(process.env.OSGS_SEED ?? 1959632943) });
