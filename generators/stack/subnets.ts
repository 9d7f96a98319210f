import type { Stack } from './stack.js';

/** Subnets of 32 addresses in the stack's block of 16384. */
export const subnetsInBlock = 512;
/** Numbers below are given by `catalog/networks.yaml`, the others to networks of an owner's own catalogue. */
export const firstOwnNumber = 384;
/** Addresses for containers in a subnet: network, gateway and broadcast take one each. */
export const addressesInSubnet = 29;

/**
 * Blocks of 10.112.0.0/12, which is rarely used: Docker's own pools, home networks, Kubernetes and the clouds' default networks
 * have other addresses. Programs such as Keycloak and Tomcat trust private addresses (RFC 1918) only.
 */
const blocks = 64;

/**
 * The subnet of every network. A network keeps its subnet when others come and go: its number stands in the catalogue, or
 * comes from its name. Throws where there are more networks than subnets.
 */
export function subnetsOf(
  names: readonly string[],
  stack: Pick<Stack, 'networkNumbers'>,
  block: string,
): Map<string, string> {
  if (names.length > subnetsInBlock)
    throw new Error(`the stack has ${names.length} networks, and addresses for ${subnetsInBlock}`);
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of names) {
    const number = stack.networkNumbers.get(name);
    if (number !== undefined) numbers.set(name, number);
    if (number !== undefined) taken.add(number);
  }
  for (const name of names.filter((one) => !numbers.has(one)).toSorted()) {
    let number = firstOwnNumber + (hash(name) % (subnetsInBlock - firstOwnNumber));
    while (taken.has(number)) number = (number + 1) % subnetsInBlock;
    taken.add(number);
    numbers.set(name, number);
  }
  const start = firstAddress(block);
  return new Map(names.map((name) => [name, address(start + 32 * (numbers.get(name) ?? 0))]));
}

/** The block of a stack whose owner chose none. */
export function defaultBlock(name: string): string {
  const number = hash(name) % blocks;
  return `10.${112 + (number >> 2)}.${(number & 3) * 64}.0/18`;
}

function firstAddress(block: string): number {
  const [address = ''] = block.split('/');
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function address(number: number): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')}/27`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
