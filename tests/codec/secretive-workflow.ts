import { ApplicationFailure, condition, defineSignal, setHandler } from '@temporalio/workflow';

export const tell = defineSignal<[string]>('tell');

/** Returns its input and what it was told, or fails with them. */
export async function secretive(input: { readonly text: string; readonly fails: boolean }): Promise<string> {
  let told: string | undefined;
  setHandler(tell, (text) => {
    told = text;
  });
  await condition(() => told !== undefined);
  if (input.fails) throw ApplicationFailure.nonRetryable(`failed with ${input.text} and ${told}`);
  return `${input.text} and ${told}`;
}
