import type { DataConverter } from '@temporalio/common';
import { compiledFile } from '../stack/compiled.js';
import { createCodec } from './codec.js';
import { readKeys } from './keys.js';

/** To be given to clients, workers and, as `failureConverterPath`, to `bundleWorkflowCode` when encryption is on. */
export function failureConverterPath(): string {
  return compiledFile('worker/codec/failure-converter.cjs');
}

/** The converter that encrypts everything with the keys of a file. Throws when the file is not right. */
export async function encryptingConverter(keysFile: string): Promise<DataConverter> {
  return { payloadCodecs: [createCodec(await readKeys(keysFile))], failureConverterPath: failureConverterPath() };
}
