/** Rows of figures, one a round, and how they stand to those of the same round that they are compared with. */

export interface Against {
  readonly row: string;
  /** What the ratio ought to reach, where a claim says so. */
  readonly asked?: number;
}

interface Row {
  readonly unit: 'a second' | 's';
  readonly values: number[];
  readonly against: Against | undefined;
}

export interface Table {
  /** So many items in so many milliseconds. */
  rate(row: string, items: number, ms: number, against?: Against): void;
  /** How long nothing to do took. */
  seconds(row: string, ms: number, against?: Against): void;
  print(): void;
}

/** Tells each figure as it comes, and all of them when asked to print. */
export function createTable(title: string): Table {
  const rows = new Map<string, Row>();
  const add = (name: string, unit: Row['unit'], value: number, against: Against | undefined): void => {
    const row = rows.get(name) ?? { unit, values: [], against };
    row.values.push(value);
    rows.set(name, row);
    console.log(`  ${name}: ${shown(value, unit)}`);
  };
  return {
    rate: (row, items, ms, against) => add(row, 'a second', (items / ms) * 1000, against),
    seconds: (row, ms, against) => add(row, 's', ms / 1000, against),
    print() {
      console.log(`\n${title}: median of the rounds; how many times faster, round by round`);
      for (const [name, row] of rows) {
        console.log(`  ${name.padEnd(56)} ${shown(median(row.values), row.unit).padStart(14)}   ${compared(row)}`);
      }
    },
  };

  function compared({ unit, values, against }: Row): string {
    const peers = against && rows.get(against.row)?.values;
    if (!against || !peers) return '';
    const ratios = values.map((value, n) => {
      const peer = peers[n] ?? Number.NaN;
      return unit === 's' ? peer / value : value / peer;
    });
    const told = `${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} of ${against.row}`;
    if (against.asked === undefined) return told;
    return `${told} (${against.asked} asked: ${median(ratios) >= against.asked ? 'reached' : 'not reached'})`;
  }
}

function shown(value: number, unit: Row['unit']): string {
  return `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (at: number): number => sorted[Math.floor(at)] ?? Number.NaN;
  return (middle((sorted.length - 1) / 2) + middle(sorted.length / 2)) / 2;
}
