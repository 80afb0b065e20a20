import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys } from './key-order.js';

test('keys are in the order of their UTF-8 bytes', () => {
  const order = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(Math.sign(compareKeys('🎉', 'ｆ'))).toBe(order('🎉', 'ｆ'));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(order(a, b));
    }),
  );
});
