import { XMLBuilder } from 'fast-xml-parser';

/** What XML 1.0 cannot carry at all, also not escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters in question
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** A JUnit document; attributes are keys that begin with "@". */
export function junitXml(testsuites: Record<string, unknown>): string {
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    format: true,
    suppressEmptyNode: true,
    suppressBooleanAttributes: false,
  });
  const xml: string = builder.build({ '?xml': { '@version': '1.0', '@encoding': 'UTF-8' }, testsuites });
  return xml.replaceAll(unprintable, '\ufffd');
}

/** As JUnit writes a duration. */
export const seconds = (ms: number): string => (ms / 1000).toFixed(3);
