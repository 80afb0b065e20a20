/**
 * What the scripts say beside what they run, so that pipes get only the latter.
 *
 * @param {string} line
 */
export function say(line) {
  console.error(`> ${line}`);
}
