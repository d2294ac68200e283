/** What `images build`, `images load`, `images list` and `images pin` answer. */

/** override: the profile names another image in place of ours. */
export type ImageAction = 'built' | 'present' | 'override';

export interface ImageBuilt {
  component: string;
  reference: string;
  action: ImageAction;
  /** null where the engine does not tell, and of what is not ours. */
  bytes: number | null;
  elapsedMs: number;
}

export interface ImagesBuildReport {
  tag: string;
  base: string;
  /** "linux/amd64" */
  platform: string;
  engine: string;
  images: ImageBuilt[];
}

export interface ImagesLoadReport {
  cluster: string;
  build: ImagesBuildReport;
  /** References that were copied onto the nodes now. */
  loaded: readonly string[];
  /** Those that were there. */
  present: readonly string[];
}

export interface ListedImage {
  component: string;
  reference: string;
  /** Whether `images build` makes it; false where the profile names another. */
  own: boolean;
  bytes: number | null;
  /** Of the engine: the content's own, "sha256:…"; null where it has not the image or is not there. */
  id: string | null;
  /** "registry/name@sha256:…", of each registry that it was pushed to or pulled from. */
  digests: readonly string[];
  /** null: there is nobody to ask. */
  inEngine: boolean | null;
  inCluster: boolean | null;
}

export interface ImagesListReport {
  tag: string;
  engine: string | null;
  /** Why there is no engine to ask. */
  engineReason: string | null;
  cluster: string | null;
  /** Why the cluster was not asked. */
  clusterReason: string | null;
  images: readonly ListedImage[];
}

export interface PinnedImage {
  /** Key of `kubernetes.images.overrides`. */
  name: string;
  /** As the profile names it. */
  reference: string;
  /** The same with the digest. */
  pinned: string;
}

export interface ImagesPinReport {
  profile: string;
  /** File that was written. */
  output: string | null;
  images: readonly PinnedImage[];
  /** YAML of a profile's part. */
  fragment: string;
}
