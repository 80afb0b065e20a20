/** The keys of commands: what workers have encrypted is read with them, and where that fails it is said what is missing. */
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { CommandError, exitCodes } from './exit-codes.js';

/** What the workers' codec writes beside a payload (worker/codec). */
const ENCRYPTED = 'binary/encrypted';

/** Throws `CommandError` 64 where the file is not right; what it returns does, where a payload needs another key. */
export async function loadDataConverter(keysFile: string | undefined): Promise<DataConverter> {
  if (!keysFile) return { payloadCodecs: [WITHOUT_KEYS] };
  const { encryptingConverter } = await import('../worker/codec/data-converter.js');
  try {
    const converter = await encryptingConverter(keysFile);
    return { ...converter, payloadCodecs: (converter.payloadCodecs ?? []).map(explained) };
  } catch (error) {
    throw new CommandError(exitCodes.usage, (error as Error).message, undefined, error);
  }
}

const WITHOUT_KEYS: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => {
    if (!payloads.some(isEncrypted)) return payloads;
    throw new CommandError(
      exitCodes.usage,
      'the workers encrypt what they hand to Temporal, and this command has no keys',
      'set DROVER_ENCRYPTION_KEYS_FILE to a copy of the file that the workers have',
    );
  },
};

const isEncrypted = ({ metadata }: Payload): boolean => Buffer.from(metadata?.encoding ?? []).toString() === ENCRYPTED;

const explained = (codec: PayloadCodec): PayloadCodec => ({
  encode: (payloads) => codec.encode(payloads),
  async decode(payloads) {
    try {
      return await codec.decode(payloads);
    } catch (error) {
      throw new CommandError(
        exitCodes.usage,
        (error as Error).message,
        'DROVER_ENCRYPTION_KEYS_FILE has to name a copy of the file that the workers have',
        error,
      );
    }
  },
});
