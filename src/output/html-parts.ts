import { htmlStyle } from './html-style.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML that shows it and nothing else. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? character);
}

/** A page that loads nothing; the browser is told to refuse whatever it would load. `body` and `style` are HTML and CSS. */
export function htmlPage({ title, body, style = '' }: { title: string; body: string; style?: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${htmlStyle}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

export interface HtmlColumn<Row> {
  name: string;
  /** The cell as HTML. */
  cell: (row: Row) => string;
  number?: boolean;
  /** Text that takes the whole width of a narrow screen. */
  wide?: boolean;
}

/** A table whose first column heads its rows; on narrow screens each row becomes a list of name and value. */
export function stackedTable<Row>(columns: readonly HtmlColumn<Row>[], rows: readonly Row[], caption?: string): string {
  const kind = ({ number, wide }: HtmlColumn<Row>) =>
    number === true ? ' class="number"' : wide === true ? ' class="wide"' : '';
  const head = columns.map((column) => `<th scope="col"${kind(column)}>${escaped(column.name)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = columns.map((column, at) =>
      at === 0
        ? `<th scope="row">${column.cell(row)}</th>`
        : `<td data-name="${escaped(column.name)}"${kind(column)}>${column.cell(row)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  const title = caption === undefined ? '' : `<caption>${escaped(caption)}</caption>`;
  return `<table class="stacked">${title}<thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

/** A figure as people read it, with the exact one for machines. */
export function figure(value: number | null, shown: string): string {
  return value === null ? escaped(shown) : `<data value="${value}">${escaped(shown)}</data>`;
}
