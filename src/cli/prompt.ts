import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Asks on stderr; what is typed at a hidden question is not shown. */
export async function askLine(question: string, hidden: boolean): Promise<string> {
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: hidden ? mute : process.stderr, terminal: true });
  try {
    if (!hidden) return await prompt.question(`${question}: `);
    process.stderr.write(`${question}: `);
    const answer = await prompt.question('');
    process.stderr.write('\n');
    return answer;
  } finally {
    prompt.close();
  }
}
