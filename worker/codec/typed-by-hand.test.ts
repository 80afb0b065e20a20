import type { Payload } from '@temporalio/common';
import { defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { typedByHand } from './typed-by-hand.js';

const of = (encoding: string | undefined, data: string): Payload => ({
  ...(encoding !== undefined && { metadata: { encoding: Buffer.from(encoding) } }),
  data: Buffer.from(data),
});
const read = async (given: Payload): Promise<unknown> =>
  defaultPayloadConverter.fromPayload((await typedByHand.decode([given]))[0] as Payload);

it.each([
  ['json/plain', '{"unit": 3}', { unit: 3 }],
  ['json/protobuf', '{"unit": 3}', { unit: 3 }],
  ['binary/null', '', undefined],
  ['json/plain', '{unit: 3}', 'an input that cannot be read'],
  ['json/plain', '', 'an input that cannot be read'],
  ['text/yaml', 'unit: 3', 'an input that cannot be read'],
  [undefined, '{"unit": 3}', 'an input that cannot be read'],
])('reads %s %s', async (encoding, data, value) => {
  expect(await read(of(encoding, data))).toEqual(value);
});

it('lets everything pass that Temporal’s own converter writes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.constant(undefined)), async (value) => {
      const given = defaultPayloadConverter.toPayload(value);
      expect(await typedByHand.decode([given])).toEqual([given]);
    }),
  );
});

it('keeps what is encrypted with a key that is not there', async () => {
  const given = of('binary/encrypted', 'x');
  expect(await typedByHand.decode([given])).toEqual([given]);
});
