import type { ImagesBuildReport, ImagesListReport, ImagesLoadReport, ImagesPinReport } from '../core/images-report.ts';
import { duration, mebibytes } from './format.ts';
import { table } from './table.ts';

const size = (bytes: number | null): string => (bytes === null ? '' : mebibytes(bytes));

const actions = { built: 'built', present: 'already there', override: 'named by the profile' } as const;

export function imagesBuildText({ images, base, engine }: ImagesBuildReport): string {
  const rows = images.map(({ component, reference, action, bytes, elapsedMs }) => [
    component,
    reference,
    actions[action],
    size(bytes),
    action === 'built' ? duration(elapsedMs) : '',
  ]);
  const built = images.filter(({ action }) => action === 'built').length;
  return [
    table(['COMPONENT', 'IMAGE', '', 'SIZE>', 'TIME>'], rows),
    '',
    `${built} built by ${engine}${built === 0 ? '' : ` on ${base}`}.`,
  ].join('\n');
}

export function imagesLoadText({ cluster, build, loaded, present }: ImagesLoadReport): string {
  const were = present.length === 0 ? '' : `; ${present.length} were there`;
  return `${imagesBuildText(build)}\n${loaded.length} loaded into cluster ${cluster}${were}.`;
}

export function imagesListText({ images, engine, engineReason, cluster, clusterReason }: ImagesListReport): string {
  const told = (there: boolean | null) => (there === null ? '?' : there ? 'yes' : 'no');
  const rows = images.map(({ component, reference, own, bytes, inEngine, inCluster }) => [
    component,
    reference,
    own ? '' : 'named by the profile',
    size(bytes),
    told(inEngine),
    told(inCluster),
  ]);
  return [
    table(['COMPONENT', 'IMAGE', '', 'SIZE>', 'ENGINE', 'CLUSTER'], rows),
    '',
    engine === null ? `No container engine answers: ${engineReason ?? ''}` : `Engine: ${engine}`,
    cluster === null ? `Cluster not asked: ${clusterReason ?? ''}` : `Cluster: ${cluster}`,
  ].join('\n');
}

/** The fragment itself where no file was asked for, so that it can be led into one. */
export function imagesPinText({ output, images, fragment }: ImagesPinReport): string {
  if (output === null) return fragment.trimEnd();
  return `${images.length} images pinned in ${output}: lambdactl render --values ${output}`;
}
