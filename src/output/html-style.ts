/** Style of the HTML reports: light and dark by the reader's setting, from 390 to 1440 px and wider. */
export const htmlStyle = `
:root { --text: #1c2330; --quiet: #5a6475; --ground: #ffffff; --raised: #f4f6f9; --line: #d9dee7; --good: #116b3c; --bad: #a8201a; --open: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6eaf2; --quiet: #9aa6b8; --ground: #12161d; --raised: #1b212b; --line: #323b49; --good: #5fd08f; --bad: #ff8b80; --open: #f0b849; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 0.25rem 0; }
.facts, footer { color: var(--quiet); font-size: 0.9rem; margin: 0.25rem 0; overflow-wrap: anywhere; }
.agree { color: var(--good); } .differ { color: var(--bad); } .not-ready { color: var(--open); }
.tag { border: 1px solid currentColor; border-radius: 1rem; font-size: 0.8rem; font-weight: 600; padding: 0.05rem 0.6rem; white-space: nowrap; }
table { border-collapse: collapse; margin: 0.75rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.4rem 0.6rem; text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-size: 0.85rem; font-weight: 600; }
.number { font-variant-numeric: tabular-nums; text-align: right; }
.rows th { font-weight: 400; }
.rows td { overflow-wrap: anywhere; min-width: 7rem; }
code { font: 0.85rem/1.4 ui-monospace, monospace; white-space: pre-wrap; }
details { background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.75rem 0; padding: 0.5rem 0.9rem; }
summary { cursor: pointer; font-weight: 600; }
.scroll { overflow-x: auto; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 0.5rem; }
@media (max-width: 42rem) {
  .stacked thead { display: none; }
  .stacked tr { border-bottom: 1px solid var(--line); display: block; padding: 0.5rem 0; }
  .stacked td { border: 0; display: flex; justify-content: space-between; padding: 0.15rem 0; text-align: right; }
  .stacked td::before { color: var(--quiet); content: attr(data-name); }
}
`;
