import type { RenderReport } from '../core/reports.ts';
import { table } from './table.ts';

/** What was written, what was not, and how it gets into a cluster. */
export function renderText(report: RenderReport): string {
  const { directory, files, removed, releases, secretsLeftOut, requestedMiB } = report;
  const counts = files.map(({ path, objects }) => [path, objects === 0 ? '' : String(objects)]);
  return [
    `Profile ${report.profile}${report.values === null ? '' : ` with values ${report.values}`}, images tagged ${report.imageTag}:`,
    table(['FILE', 'OBJECTS>'], counts),
    `The pods of the StatefulSets ask for ${requestedMiB} MiB of memory${releases.length === 0 ? '' : '; what charts and operators run comes on top'}.`,
    ...removed.map((path) => `Removed ${path}: an earlier rendering had it.`),
    ...(releases.length === 0
      ? []
      : [
          '',
          'Helm releases, to be installed first:',
          table(['RELEASE', 'NAMESPACE', 'CHART', 'VERSION'], releases.map(releaseRow)),
        ]),
    ...(secretsLeftOut.length === 0
      ? []
      : [
          '',
          'Left out, to be there before (lambdactl secrets seal, or --with-secrets):',
          ...secretsLeftOut.map((name) => `  ${name}`),
        ]),
    ...(files.some(({ path }) => path === 'kustomization.yaml')
      ? ['', `  kubectl apply --server-side -k ${directory}`]
      : []),
  ].join('\n');
}

const releaseRow = ({ name, namespace, chart, version }: RenderReport['releases'][number]): string[] => [
  name,
  namespace,
  chart,
  version,
];
