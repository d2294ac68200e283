/** Style of the HTML reports: light and dark by the reader's setting, from 390 to 1440 px and wider. */
export const htmlStyle = `
:root { --text: #1c2330; --quiet: #5a6475; --ground: #ffffff; --raised: #f4f6f9; --line: #d9dee7; --good: #116b3c; --bad: #a8201a; --open: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6eaf2; --quiet: #9aa6b8; --ground: #12161d; --raised: #1b212b; --line: #323b49; --good: #5fd08f; --bad: #ff8b80; --open: #f0b849; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
.stacked th[scope=row] { font-weight: 600; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 0.25rem 0; }
.facts, footer { color: var(--quiet); font-size: 0.9rem; margin: 0.25rem 0; overflow-wrap: anywhere; }
.agree { color: var(--good); } .differ { color: var(--bad); } .not-ready { color: var(--open); }
.tag { border: 1px solid currentColor; border-radius: 1rem; font-size: 0.8rem; font-weight: 600; padding: 0.05rem 0.6rem; white-space: nowrap; }
table { border-collapse: collapse; margin: 0.75rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.4rem 0.6rem; text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-size: 0.85rem; font-weight: 600; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
data { white-space: nowrap; }
.rows th { font-weight: 400; }
.rows td { overflow-wrap: anywhere; min-width: 7rem; }
code { font: 0.85rem/1.4 ui-monospace, monospace; white-space: pre-wrap; }
details { background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.75rem 0; padding: 0.5rem 0.9rem; }
summary { cursor: pointer; font-weight: 600; }
.scroll { overflow-x: auto; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 0.5rem; }
@media (max-width: 42rem) {
  .stacked, .stacked tbody { display: block; }
  .stacked thead { display: none; }
  .stacked tr { border-bottom: 1px solid var(--line); column-gap: 1.75rem; display: grid; grid-template-columns: 1fr 1fr; padding: 0.5rem 0; }
  .stacked th[scope=row] { border: 0; grid-column: 1 / -1; padding: 0.15rem 0; }
  .stacked td { border: 0; display: flex; gap: 1rem; justify-content: space-between; padding: 0.15rem 0; text-align: right; }
  .stacked td.wide { grid-column: 1 / -1; }
  .stacked td::before { color: var(--quiet); content: attr(data-name); font-size: 0.9rem; text-align: left; }
}
`;

/** What the reports of bench have besides: plots, key figures, bars. Colours of series keep apart in both schemes. */
export const benchStyle = `
:root { --plot-1: #2a78d6; --plot-2: #eb6834; --plot-3: #1baf7a; --plot-4: #4a3aa7; --plot-5: #eda100; --plot-6: #e34948; --plot-7: #0f7f8c; --plot-8: #e87ba4; }
@media (prefers-color-scheme: dark) {
  :root { --plot-1: #3987e5; --plot-2: #d95926; --plot-3: #199e70; --plot-4: #9085e9; --plot-5: #c98500; --plot-6: #e66767; --plot-7: #3fb3c0; --plot-8: #d55181; }
}
h3 { font-size: 1.05rem; margin: 2rem 0 0.25rem; }
small.facts { display: block; font-weight: 400; }
.part { border-top: 1px solid var(--line); margin-top: 2.5rem; }
.scenario { margin-top: 1.25rem; }
.parts { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; list-style: none; margin: 1rem 0 0; padding: 0; }
a { color: inherit; }
.cards { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); margin: 1.5rem 0; }
.cards div { background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.6rem 0.8rem; }
.cards dt { color: var(--quiet); font-size: 0.8rem; }
.cards dd { font-size: 1.2rem; font-variant-numeric: tabular-nums; font-weight: 600; margin: 0.1rem 0 0; white-space: nowrap; }
.cards small { color: var(--quiet); display: block; font-size: 0.8rem; font-weight: 400; }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); margin: 1.5rem 0; }
figure { background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0; min-width: 0; padding: 0.75rem 0.5rem 0.25rem; }
figcaption { font-size: 0.95rem; font-weight: 600; padding: 0 0.5rem; }
.plot { min-height: 240px; overflow: hidden; }
.u-legend { font-size: 0.8rem; }
.u-legend th, .u-legend td { border: 0; padding: 0.1rem 0.25rem; }
.u-legend thead th, .u-legend .u-label { color: var(--text); font-size: 0.8rem; font-weight: 400; }
.u-legend .u-value { color: var(--quiet); font-variant-numeric: tabular-nums; }
.u-select { background: color-mix(in srgb, var(--text) 12%, transparent); }
.track { background: var(--raised); border-radius: 0.25rem; display: block; min-width: 8rem; width: 100%; }
.bar { background: var(--plot-1); border-radius: 0.25rem; display: block; height: 1rem; min-width: 2px; }
.readings-scroll { max-height: 28rem; overflow: auto; }
.readings { font-size: 0.85rem; }
.readings th, .readings td { white-space: nowrap; }
.readings thead th { background: var(--raised); position: sticky; top: 0; }
.pairs th { color: var(--quiet); font-size: 0.9rem; font-weight: 400; width: 40%; }
.pairs td { overflow-wrap: anywhere; }
`;
