/** The workflows a worker offers, by the names that ids and schedules use. */
export { doctor } from './doctor.js';
export { forget } from './forget.js';
export { migration } from './migration.js';
export { part } from './part.js';
export { plan } from './plan.js';
export { prune } from './prune.js';
export { search } from './search.js';
export { tick } from './tick.js';
export { unit } from './unit.js';
