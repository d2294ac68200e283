// Writes oclif.manifest.json, so that --help loads no command.
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
const path = join(root, 'oclif.manifest.json');
writeFileSync(`${path}.new`, `${JSON.stringify(plugin.manifest, null, 1)}\n`);
renameSync(`${path}.new`, path);
