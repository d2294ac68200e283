#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 6)) {
  process.stderr.write(
    `lambdactl needs Node 24.6 or newer to run; this is ${process.version} and no bundled Node fits ${process.platform}-${process.arch}.\n`,
  );
  process.exit(20);
}
enableCompileCache();
const { main } = await import('../dist/cli/main.js');
await main(import.meta.url);
