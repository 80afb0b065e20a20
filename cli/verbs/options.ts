/** Options that several verbs have, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../schemas/duration.js';
import { TUNABLE } from '../../words/tuning.js';

/** `--timeout` arrives as `timeoutMs`. */
export function timeout(): Option {
  const option = new Option('--timeout <duration>', 'stop waiting after this time (30s, 2h), with exit code 75');
  option.attributeName = () => 'timeoutMs';
  return option.argParser((text) => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Use a duration such as 30s, 15m or 2h.');
    return ms;
  });
}

/** `--older-than` arrives as `olderThanMs`. */
export function olderThan(): Option {
  const option = new Option(
    '--older-than <duration>',
    "as old as this (90d, 12w), instead of what the worker's settings say",
  );
  option.attributeName = () => 'olderThanMs';
  return option.argParser((text) => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Use a duration such as 90d, 12w or 36h.');
    return ms;
  });
}

export function unit(): Option {
  return positive('--unit <n>', 'only this unit, by the number that status shows');
}

/** `--reset` arrives as true, or as the names of limits as the spec has them. */
export function reset(): Option {
  const option = new Option('--reset [limits]', 'take back what was tuned: all, or these (lanes,connections)');
  return option.argParser((text) => {
    const names = text.split(',').map((name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()));
    const strange = names.find((name) => !TUNABLE.some((tunable) => tunable === name));
    if (strange === undefined) return names;
    const limits = TUNABLE.map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    throw new InvalidArgumentError(`"${strange}" is no limit: ${limits.join(', ')}.`);
  });
}

export function positive(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError('Use a whole number from 1.');
    }
    return value;
  });
}

/** `--selection`, as often as it is meant. */
export const selection = (): Option => named('--selection <name>', 'only this selection of the spec; may be repeated');

/** `--account`, as often as it is meant. */
export const account = (): Option =>
  named('--account <account>', 'only this account, by its name on either side; may be repeated');

function named(flags: string, description: string): Option {
  return new Option(flags, description).argParser((name: string, names: readonly string[] = []) => [...names, name]);
}
