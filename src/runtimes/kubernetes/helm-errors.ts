import { externalError, type LambdaError } from '../../core/errors.ts';
import type { ExecResult } from '../../system/exec.ts';

/** What was asked for, as far as it is known. */
export interface HelmRequest {
  name?: string;
  namespace?: string;
  chart?: string;
  version?: string;
  /** What pods say of themselves. */
  complaints?: readonly string[];
  /** Revision to which it was rolled back; null when it was not. */
  back?: number | null;
}

interface Kind {
  code: string;
  pattern: RegExp;
  message(request: HelmRequest): string;
  actions(request: HelmRequest): readonly string[];
  retryable?: boolean;
}

const title = ({ name = 'a release', namespace }: HelmRequest): string =>
  namespace === undefined ? name : `${name} in namespace ${namespace}`;

const directory = ({ name = 'NAME' }: HelmRequest): string =>
  `Without the network: helm pull it elsewhere, and name its directory under kubernetes.charts.${name} of the profile.`;

/** In the words of Helm 3.19 to 4.2 and of client-go; the first that fits. */
const kinds: readonly Kind[] = [
  {
    code: 'CLUSTER_UNREACHABLE',
    pattern:
      /kubernetes cluster unreachable|context "[^"]*" does not exist|the server has asked for the client to provide credentials/i,
    message: () => 'Helm does not reach the cluster.',
    actions: () => ['Try: kubectl --context CONTEXT version'],
    retryable: true,
  },
  {
    code: 'HELM_CHART_MISSING',
    pattern:
      /chart "[^"]*"( matching | version "[^"]*" )?.*not found in|no chart (version|name) found|path "[^"]*" not found|Chart\.yaml file is missing|manifest unknown|failed to (perform|resolve|download) ".*": (.*: )?not found|non-absolute URLs should be in form of/i,
    message: ({ chart = 'its chart', version = '' }) => `There is no chart ${chart} ${version}.`.replace(' .', '.'),
    actions: (request) => [
      `Compare kubernetes.charts.${request.name ?? 'NAME'} of the profile with docs/operators.md.`,
    ],
  },
  {
    code: 'HELM_CHART_REFUSED',
    pattern:
      /values don't meet the specifications|template: |execution error at|parse error|YAML parse|chart requires kubeVersion|missing in charts\/ directory|cannot load (chart|values)|validation: chart\.metadata|Chart\.yaml/i,
    message: (request) => `The chart of ${title(request)} does not take its values, or this cluster.`,
    actions: () => ['Is the chart of the version that docs/operators.md names?'],
  },
  {
    code: 'HELM_REPOSITORY_UNREACHABLE',
    pattern:
      /is not a valid chart repository or cannot be reached|failed to (do request|fetch|authorize|perform)|could not (find|download)|no such host|dial tcp|i\/o timeout|TLS handshake|proxyconnect|x509:/i,
    message: ({ chart = 'a chart' }) => `The address of ${chart} does not answer.`,
    actions: (request) => [directory(request), 'Behind a proxy: HTTPS_PROXY is heeded.'],
    retryable: true,
  },
  {
    code: 'HELM_PENDING',
    pattern: /another operation \(install\/upgrade\/rollback\) is in progress/i,
    message: (request) => `Somebody else is changing ${title(request)}.`,
    actions: ({ name = 'NAME', namespace = 'NAMESPACE' }) => [
      `Look: helm -n ${namespace} history ${name}`,
      'Then run the same again.',
    ],
    retryable: true,
  },
  {
    code: 'HELM_FORBIDDEN',
    pattern: /is forbidden|cannot (create|get|list|patch|update|delete) resource/i,
    message: (request) => `The cluster does not let you install ${title(request)}.`,
    actions: () => [
      'Operators bring definitions and roles for the whole cluster: who installs them must be its administrator.',
      'Or use what is installed already: kubernetes.charts.NAME: installed.',
    ],
  },
  {
    code: 'HELM_CONFLICT',
    pattern: /invalid ownership metadata|cannot be imported into the current release|already exists/i,
    message: (request) => `The cluster has parts of ${title(request)} from somebody else.`,
    actions: ({ name = 'NAME' }) => [`If that is the operator itself, use it: kubernetes.charts.${name}: installed`],
  },
  {
    code: 'HELM_TIMEOUT',
    pattern:
      /timed out waiting|context deadline exceeded|deadline_exceeded|would exceed context deadline|resource not ready|timed out after/i,
    message: (request) => `${title(request)} did not become ready in time.`,
    actions: ({ namespace = 'NAMESPACE' }) => [
      `kubectl -n ${namespace} get pods,events`,
      'Running the same again goes on with it.',
    ],
    retryable: true,
  },
];

const otherwise: Kind = {
  code: 'HELM_FAILED',
  pattern: /^/,
  message: (request) => `Helm failed with ${title(request)}.`,
  actions: () => [],
};

/** One message for what Helm said, with its own words and those of the pods. */
export function helmError(result: ExecResult, request: HelmRequest): LambdaError {
  const words = wordsOf(result);
  const kind = kinds.find(({ pattern }) => pattern.test(words)) ?? otherwise;
  const { complaints = [], back } = request;
  const lines = [
    kind.message(request),
    ...words.split('\n').map((line) => `  ${line}`),
    ...(complaints.length === 0 ? [] : ['Its pods:', ...complaints.slice(0, 10).map((line) => `  ${line}`)]),
    ...(back === undefined || back === null ? [] : [`It was rolled back to revision ${back}.`]),
  ];
  const { name, namespace } = request;
  return externalError(lines.join('\n'), {
    code: kind.code,
    actions: kind.actions(request),
    retryable: kind.retryable ?? false,
    details: { ...(name === undefined ? {} : { release: name, namespace }), complaints },
  });
}

/** What Helm calls its error; its warnings stand before it. */
function wordsOf({ stderr, failure = '' }: ExecResult): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const from = lines.findLastIndex((line) => /^Error: /.test(line));
  const words = (from === -1 ? lines.slice(-5) : lines.slice(from, from + 5)).filter((line) => line !== '');
  const said = words
    .join('\n')
    .replace(/^Error: /, '')
    .slice(0, 2000);
  return /timed out/i.test(failure) || said === '' ? [failure, said].filter((text) => text !== '').join('\n') : said;
}

export const isPendingRefusal = ({ stderr }: ExecResult): boolean => /another operation .* is in progress/.test(stderr);

export const hasNoDeployed = ({ stderr }: ExecResult): boolean => /has no deployed releases/.test(stderr);
