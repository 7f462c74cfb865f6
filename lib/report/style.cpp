// The page's style sheet. Series colours are Okabe and Ito's, which colour-blind readers can tell apart, made
// lighter on dark.
#include "report/html.hpp"

namespace bitdarts::report {

std::string style_sheet() {
  return R"css(:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f5f7f9; --ink: #1c2228; --soft: #58636e; --axis: #8a949e; --grid: #e3e8ec; --line: #d5dbe1;
  --blue: #0067a8; --orange: #c77700; --green: #00805e; --red: #c8400a; --purple: #a3508a; --grey: #6d7780;
  --blue-faint: #a9cde6; --orange-faint: #f2d4a4; --green-faint: #a5d8ca; --red-faint: #f0bfa8; --purple-faint: #e2c3d8; --grey-faint: #ced3d8;
  --good: #00805e; --bad: #b3261e; --warn: #8a5a00; --mark: #e8f2fa;
}
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14181c; --panel: #1c2126; --ink: #e4e9ee; --soft: #a0abb6; --axis: #717d88; --grid: #2a3138; --line: #343c45;
  --blue: #5db4f0; --orange: #f0ae4a; --green: #3cc9a2; --red: #ff8a5c; --purple: #d990c2; --grey: #9aa5b0;
  --blue-faint: #27475f; --orange-faint: #5f4a26; --green-faint: #1f5145; --red-faint: #643f30; --purple-faint: #563e4e; --grey-faint: #3d454d;
  --good: #3cc9a2; --bad: #ff8f85; --warn: #f0c063; --mark: #1d3041;
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 1290px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 0 0 10px; }
h3 { font-size: 1rem; margin: 18px 0 6px; }
p { margin: 0 0 10px; max-width: 88ch; }
.over { margin: 0; font-size: .85rem; color: var(--soft); }
.soft, figcaption, .tile span { color: var(--soft); }
nav { margin: 10px 0 22px; font-size: .92rem; }
nav a { color: var(--blue); margin-right: 16px; text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
section { margin: 36px 0 0; padding-top: 18px; border-top: 1px solid var(--line); }
.verdict { border-left: 5px solid var(--grey); background: var(--panel); padding: 12px 18px; margin: 0 0 18px; }
.verdict p { margin: 0; max-width: 90ch; }
.verdict.wins { border-color: var(--good); }
.verdict.loses, .verdict.ties { border-color: var(--bad); }
.problems { border-left: 5px solid var(--warn); background: var(--panel); padding: 10px 18px; margin: 0 0 18px; }
.problems ul { margin: 4px 0; padding-left: 20px; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; }
.tile { background: var(--panel); padding: 12px 16px; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .88rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: 0 0 12px; }
th, td { padding: 6px 8px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; line-height: 1.25; }
th[aria-sort=ascending]::after { content: " ▲"; }
th[aria-sort=descending]::after { content: " ▼"; }
th:first-child, td:first-child { text-align: left; }
tr.searched td { background: var(--mark); font-weight: 600; }
tr.opponent td:first-child { box-shadow: inset 4px 0 0 var(--blue); }
tr.incomparable td { color: var(--soft); font-style: italic; }
.wrap td { white-space: normal; overflow-wrap: anywhere; text-align: left; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .88rem; max-width: 88ch; margin: 2px 0 14px; }
figure h3 { margin: 0 0 2px; font-size: .95rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 22px 30px; margin: 8px 0 26px; }
svg { display: block; width: 100%; height: auto; }
svg.chart g, svg text, svg tspan { font-family: inherit; }
svg.chart { max-width: 860px; }
svg.layers { min-width: 660px; max-width: 1130px; margin: 6px 0; }
.layers .row { fill: var(--ink); font-size: 12px; }
.layers .column { fill: var(--ink); text-anchor: middle; font-weight: 600; font-size: 13px; }
.layers .note { text-anchor: middle; fill: var(--soft); font-size: 10.5px; }
.layers .small { fill: var(--ink); font-size: 12.5px; }
.layers .bits { text-anchor: middle; font-weight: 700; }
.layers .letter { text-anchor: middle; font-weight: 700; }
.layers .cell { stroke: var(--axis); stroke-width: .75; }
.layers .frame { fill: none; stroke: var(--axis); stroke-width: .75; }
.layers .chosen { fill: var(--ink); }
details { margin: 0 0 8px; }
summary { cursor: pointer; padding: 5px 0; }
pre { background: var(--panel); padding: 12px 16px; overflow-x: auto; font-size: .82rem; line-height: 1.4; margin: 6px 0; }
code { font-size: .92em; overflow-wrap: anywhere; }
footer { margin-top: 40px; font-size: .85rem; color: var(--soft); }
@media print {
  body { font-size: 11pt; } main { max-width: none; padding: 0; } nav { display: none; }
  section { break-inside: auto; margin-top: 20px; } figure, tr, .tile { break-inside: avoid; }
  .scroll { overflow: visible; } svg.layers { min-width: 0; } table { font-size: 8.5pt; } th, td { padding: 3px 6px; }
  .charts { grid-template-columns: 1fr 1fr; }
  .verdict, .problems, .tile, tr.searched td, pre { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";
}

}  // namespace bitdarts::report
