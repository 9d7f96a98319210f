/** Where certificates come from; `off` is plain HTTP. */
export const tlsModes = ['letsencrypt', 'self-signed', 'files', 'off'] as const;
export type TlsMode = (typeof tlsModes)[number];
