import { expect, test } from '@jest/globals';
import { atMost } from '../../generators/stack/admission.js';

test.each([1, 7, 10, 99, 100, 600, 4096, 10000, 4095, 1999])(
  'a regular expression of numbers up to %i takes these and no others',
  (most) => {
    const regex = new RegExp(`^${atMost(most)}$`);
    const upTo = Array.from({ length: most * 2 + 50 }, (_, number) => number);
    expect(upTo.filter((number) => regex.test(String(number)) !== number <= most)).toEqual([]);
    expect(upTo.filter((number) => regex.test(`00${number}`) !== number <= most)).toEqual([]);
    expect(regex.test(`${most}.0`)).toBe(true);
    expect(regex.test(`${most}.1`)).toBe(false);
    expect(regex.test(`${most - 1}.9`)).toBe(true);
    for (const other of ['-1', '+1', '1e3', '0x1', 'a', ' 1', '1 ', '1,000', '.', '%31'])
      expect({ other, taken: regex.test(other) }).toEqual({ other, taken: false });
  },
);
