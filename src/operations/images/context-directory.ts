import { join } from 'node:path';
import type { ArtifactName, InstalledArtifact } from '../../artifacts/names.ts';
import { linkTree } from '../../system/link-tree.ts';
import { makeDirectory, removeTree, writeTextAtomically } from '../../system/store-files.ts';
import { projectRoot } from '../stack.ts';
import type { ImagePlan } from './names.ts';
import { runtimePackages } from './packages.ts';

/** What every image holds of the project. */
const projectTrees = ['templates', 'schemas', 'dags-repo'] as const;
/** What lambdactl itself needs besides, to run. */
const cliTrees = ['bin', 'dist', 'profiles', 'locks', 'manifests'] as const;

export interface ContextRequest {
  /** Below the home, so that hard links to its artifacts are possible. */
  directory: string;
  plan: ImagePlan;
  artifacts: ReadonlyMap<ArtifactName, InstalledArtifact>;
  dockerfile: string;
}

/** Makes the directory that the engine is handed; whatever an interrupted build left there goes first. */
export async function makeBuildContext({ directory, plan, artifacts, dockerfile }: ContextRequest): Promise<void> {
  await removeTree(directory);
  await makeDirectory(directory);
  for (const name of plan.artifacts) {
    const installed = artifacts.get(name);
    if (installed === undefined) throw new Error(`artifact ${name} was not installed`);
    await linkTree(installed.root, join(directory, 'artifacts', name), isContent);
  }
  for (const tree of projectTrees) await linkTree(join(projectRoot, tree), join(directory, 'project', tree), isProject);
  if (plan.cli) await addCli(directory);
  await writeTextAtomically(join(directory, 'Dockerfile'), dockerfile);
}

/** The store's own lists of files are about the store. */
const isContent = (path: string): boolean => path !== 'manifest.json' && path !== 'manifest.files.json';

/** Hidden files are no part of the tag either; bytecode is made anew. */
const isProject = (path: string): boolean => !/(?:^|\/)(?:\.|__pycache__(?:\/|$))/.test(path);

async function addCli(directory: string): Promise<void> {
  for (const tree of cliTrees) {
    // A clone without manifests has none to hand on.
    await linkTree(join(projectRoot, tree), join(directory, 'cli', tree)).catch((error: unknown) => {
      if (tree !== 'manifests') throw error;
    });
  }
  for (const file of ['package.json', 'oclif.manifest.json']) {
    await linkTree(projectRoot, join(directory, 'cli'), (path) => path === file);
  }
  const wanted = await runtimePackages(projectRoot);
  await linkTree(join(projectRoot, 'node_modules'), join(directory, 'modules'), wanted);
}
