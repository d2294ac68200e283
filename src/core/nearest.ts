/**
 * The names that somebody who typed `text` may have meant, the nearest first: they hold it, or differ in few letters.
 * @returns three at most
 */
export function nearestNames(text: string, names: readonly string[]): string[] {
  const scored = names.map((name) => ({
    name,
    distance: name.includes(text) || text.includes(name) ? 1 : editDistance(text, name),
  }));
  const near = scored.filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)));
  return near
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Letters to insert, remove or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
