import { domainToASCII } from 'node:url';

/**
 * The form of a host name that nginx and certificates use: lower case, international letters as punycode.
 * Returns undefined where the text is no host name (RFC 1123 labels; an address or a URL is none).
 */
export function normalizeHost(text: string): string | undefined {
  const trimmed = text.trim().replace(/\.$/, '');
  if (/[\s/:@?#[\]\\%*_]/.test(trimmed) || trimmed === '') return undefined;
  const host = domainToASCII(trimmed);
  if (host === '' || host.length > 253) return undefined;
  const labels = host.split('.');
  if (!labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) return undefined;
  return /^\d+$/.test(labels.at(-1) ?? '') ? undefined : host;
}

/** Names that are not in the public DNS: RFC 2606, RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`, and what routers use. */
const privateNames =
  /(^|\.)(localhost|local|test|invalid|example|internal|home\.arpa|onion|lan|home|corp|localdomain)$/;

/** Whether a normalized host name can be one of the public DNS, for which an authority gives certificates. */
export function isPublicName(host: string): boolean {
  return host.includes('.') && !privateNames.test(host);
}
