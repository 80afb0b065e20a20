import { existsSync, readFileSync } from 'node:fs';

/** The package's version, from the package.json above the sources or above dist/. */
export function packageVersion(): string {
  const places = [new URL('../package.json', import.meta.url), new URL('../../package.json', import.meta.url)];
  const place = places.find((url) => existsSync(url));
  if (place === undefined) throw new Error('package.json is missing beside the program; install drover again');
  const { version } = JSON.parse(readFileSync(place, 'utf8')) as { version: string };
  return version;
}
