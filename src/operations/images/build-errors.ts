import { externalError, type LambdaError, preflightError } from '../../core/errors.ts';
import { lastLinesOf, messageLine } from '../../runtimes/kubernetes/program-output.ts';

/** What the engine was asked for, for messages. */
export interface BuildSubject {
  reference: string;
  base: string;
  /** Of the Python whose packages are installed, "3.11". */
  python: string;
}

type Explain = (subject: BuildSubject, output: string) => { message: string; actions: readonly string[] };

/** In the words of docker's two builders, podman and nerdctl. */
const explanations: readonly [pattern: RegExp, explain: Explain][] = [
  [
    /lambdactl: (python3 of the base .*)/,
    ({ python }, output) => ({
      message: /lambdactl: (python3 of the base [^\n"]*)/.exec(output)?.[1] ?? '',
      actions: [
        `Name a base whose /usr/bin/python3 is ${python}: --base IMAGE`,
        'Or name the Python of the base in LAMBDACTL_PYTHON: packages are then installed for that one.',
      ],
    }),
  ],
  [
    /apt-get: (?:not found|command not found)/,
    ({ base }) => ({
      message: `base ${base} has neither the programs that are needed nor apt-get to install them`,
      actions: ['Name a base of Debian’s kind, or one with python3, git and ca-certificates: --base IMAGE'],
    }),
  ],
  [
    /(?:Temporary failure resolving|Could not connect to|Unable to fetch some archives|Failed to fetch)/,
    ({ base }) => ({
      message: `packages cannot be fetched in base ${base}`,
      actions: [
        'Check the engine’s network and proxy; HTTP_PROXY and HTTPS_PROXY are handed to the build.',
        'Or name a base that has python3, git and ca-certificates already: nothing is installed then. --base IMAGE',
      ],
    }),
  ],
  [
    /pull access denied|manifest (?:for .* not found|unknown)|failed to resolve (?:source metadata|reference)|no such host|i\/o timeout|error pulling image|unable to copy from source|context deadline exceeded|connection refused|Head ".*"/i,
    ({ base }, output) => ({
      message: `base ${base} cannot be had: ${messageLine(output) ?? ''}`,
      actions: [
        'Check that the engine reaches the registry: try the same pull by hand.',
        'Behind a mirror, name the base there: --base MIRROR/debian:bookworm-slim',
      ],
    }),
  ],
  [
    /no space left on device/i,
    () => ({
      message: 'the engine’s disk is full',
      actions: ['Free space: docker system prune; all images together take about 4 GB.'],
    }),
  ],
  [
    /buildx.*(?:missing|not found|is not a docker command)|buildkitd/i,
    () => ({
      message: 'the engine’s builder is not there',
      actions: ['Install buildx (or start buildkitd), or take docker’s old builder: DOCKER_BUILDKIT=0'],
    }),
  ],
];

export function buildFailed(subject: BuildSubject, output: string): LambdaError {
  const known = explanations.find(([pattern]) => pattern.test(output))?.[1](subject, output);
  const reason = known?.message ?? messageLine(output) ?? 'the engine said nothing';
  return externalError(`Image ${subject.reference} was not built: ${reason}`, {
    code: 'IMAGE_BUILD_FAILED',
    actions: known?.actions ?? ['The details (--json) hold the end of what the engine said.'],
    details: { ...subject, output: lastLinesOf(output, 40) },
  });
}

/** Installed artifacts are this machine's: an image for another kind of machine is built there. */
export function otherPlatform(asked: string, own: string): LambdaError {
  return preflightError(`Images for ${asked} are not built here: what is installed is for ${own}.`, {
    code: 'PLATFORM_UNSUPPORTED',
    actions: [
      'Build them on a Linux machine of that kind and push them to a registry of yours.',
      'Then name it in the profile: `kubernetes: { images: { prefix: … } }`',
    ],
    details: { asked, own },
  });
}
