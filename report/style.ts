/** The page's style: system fonts, light and dark, cards on a phone, and a printed form that shows what is folded away. */
import { MAX_LABELS } from './tables.js';

/** The name of its column before each cell of a card: tables say them once (`tableOf`). */
const labels = Array.from(
  { length: MAX_LABELS },
  (_, at) => `  .rows td:nth-child(${at + 1})::before { content:var(--h${at + 1}); }`,
).join('\n');

export const style = `
:root { color-scheme: light dark;
  --page:#f6f7f9; --card:#ffffff; --ink:#1a1f28; --soft:#59626f; --line:#dfe3e8; --track:#e9ecf0;
  --verified:#1f8a5b; --arrived:#3b78c9; --pending:#8b95a3; --unsure:#a05fc4; --missing:#c4462f; --altered:#d9722b;
  --refused:#b5344f; --quarantined:#7d2f48; --conflict:#c0861a; --skipped:#b8a13a; --good:#187a4f; --bad:#b5342f; --bar:#1f8a5b; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page:#12151a; --card:#1b2027; --ink:#e6e9ee; --soft:#9ba5b2; --line:#2e353f; --track:#2a313a;
  --verified:#3fb784; --arrived:#6ba3ec; --pending:#77818f; --unsure:#c08ee0; --missing:#ee7a63; --altered:#f09a57;
  --refused:#ec6f88; --quarantined:#c56a88; --conflict:#f0b34a; --skipped:#d6c15c; --good:#3fb784; --bad:#f0766c; --bar:#3fb784; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--page); color:var(--ink); font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; overflow-wrap:anywhere; }
main { max-width:1240px; margin:0 auto; padding:32px 24px 64px; }
header p, .soft { color:var(--soft); }
h1 { font-size:30px; line-height:1.2; margin:6px 0 8px; letter-spacing:-.01em; text-wrap:balance; }
h2 { font-size:19px; margin:0 0 8px; } h3 { font-size:15px; margin:20px 0 4px; }
section { background:var(--card); border:1px solid var(--line); border-radius:12px; padding:20px 24px; margin:16px 0; }
p { margin:4px 0 10px; } ul { margin:4px 0; padding-left:20px; }
.name { font-size:14px; color:var(--soft); margin:0; }
header .goes-on { color:var(--ink); background:var(--card); border:1px solid var(--line); border-left:4px solid var(--conflict); border-radius:8px; padding:8px 14px; margin:10px 0; font-weight:600; }
.verdict { display:inline-block; font-weight:600; font-size:13px; padding:3px 10px; border-radius:99px; border:1.5px solid currentColor; }
.verdict.good { color:var(--good); } .verdict.bad { color:var(--bad); }
.tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(126px,1fr)); gap:12px; margin:16px 0; }
.tile { background:var(--card); border:1px solid var(--line); border-radius:12px; padding:12px 16px; }
.tile b { display:block; font-size:20px; font-weight:600; line-height:1.3; font-variant-numeric:tabular-nums; } .tile span { color:var(--soft); font-size:13px; }
.steps { list-style:none; padding:0; margin:0; } .steps > li { border-top:1px solid var(--line); padding:10px 0; }
.steps > li:first-child { border-top:0; padding-top:0; } .steps > li:last-child { padding-bottom:0; }
.steps p { margin:2px 0; } .steps pre { margin:6px 0; }
table { border-collapse:collapse; width:100%; font-size:14px; font-variant-numeric:tabular-nums; }
th { text-align:left; color:var(--soft); font-weight:500; font-size:13px; border-bottom:1px solid var(--line); padding:6px 14px 6px 0; vertical-align:bottom; overflow-wrap:normal; }
td { border-bottom:1px solid var(--line); padding:6px 14px 6px 0; vertical-align:top; }
.rows td:not(.n) { min-width:8.5em; }
tr:last-child > td { border-bottom:0; }
.n { text-align:right; } td.n { white-space:nowrap; } td:last-child, th:last-child { padding-right:0; }
.dot { display:inline-block; width:10px; height:10px; border-radius:3px; margin-right:8px; }
.meter { display:block; width:64px; height:5px; border-radius:3px; background:var(--track); overflow:hidden; margin:3px 0 0 auto; }
.meter i { display:block; height:100%; background:var(--bar); } small { font-size:12px; color:var(--soft); }
.zero { color:var(--soft); } .warn { color:var(--bad); font-weight:600; }
details { border-top:1px solid var(--line); padding:10px 0; } details:last-of-type { padding-bottom:0; }
summary { cursor:pointer; } summary b { font-weight:600; }
details > div { margin:8px 0 4px; }
.steps details { border:0; padding:2px 0; }
code, pre { font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; }
pre { background:var(--page); border:1px solid var(--line); border-radius:8px; padding:10px 14px; white-space:pre-wrap; margin:8px 0; }
svg { display:block; width:100%; height:auto; } svg text { font-size:12px; fill:var(--soft); }
svg .grid { stroke:var(--line); stroke-width:1; }
.legend { display:flex; flex-wrap:wrap; gap:2px 20px; margin:8px 0; }
footer { color:var(--soft); font-size:13px; margin-top:24px; }
@media screen and (max-width: 1100px) {
  main { padding:20px 12px 40px; } section { padding:16px 14px; } h1 { font-size:23px; }
  .tiles { grid-template-columns:repeat(auto-fit,minmax(96px,1fr)); gap:8px; } .tile { padding:8px 12px; } .tile b { font-size:17px; }
  .rows, .rows tbody { display:block; } .rows thead { display:none; }
  .rows tr { display:grid; grid-template-columns:repeat(auto-fill,minmax(90px,1fr)); gap:6px 14px; padding:12px 0; border-bottom:1px solid var(--line); }
  .rows td, .rows td:not(.n) { display:block; border:0; padding:0; min-width:0; }
  .rows td { grid-column:1/-1; }
  .rows td.n { text-align:left; grid-column:auto; white-space:normal; } .rows td:empty { display:none; }
  .rows td::before { display:block; font-size:12px; line-height:1.3; font-weight:400; color:var(--soft); }
  .meter { margin-left:0; } .legend-table td.soft { display:none; }
${labels}
}
@media screen and (min-width: 600px) and (max-width: 1100px) { .rows td:not(.n) { grid-column:span 3; } }
@media screen and (max-width: 500px) { svg text { display:none; } }
@media print { :root { --page:#fff; --card:#fff; --ink:#000; --soft:#444; --line:#bbb; color-scheme:light; }
  body { font-size:11px; } table { font-size:10px; } th, small { font-size:9px; } th, td { padding-right:6px; } .rows td:not(.n) { min-width:4em; }
  main { padding:0; max-width:none; } section { break-inside:auto; border:0; padding:8px 0; }
  details::details-content { content-visibility:visible; }
  .tile { padding:6px 10px; } h2, h3 { break-after:avoid; } tr, .tile { break-inside:avoid; } .meter { width:40px; }
  * { print-color-adjust:exact; -webkit-print-color-adjust:exact; } }
`;
