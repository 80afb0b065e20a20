/** Plans as people read them, on a terminal of 120 columns without colours. */
import { createStyle } from '../../cli/output.js';
import type { PlanView } from '../../cli/plan-lines.js';
import { createRecordingShell } from '../../cli/recording-shell.js';

export const VIEW: PlanView = { columns: 120, style: createStyle(createRecordingShell().shell) };
