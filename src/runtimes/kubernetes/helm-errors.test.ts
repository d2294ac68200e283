import { expect, it } from 'vitest';
import { helmError } from './helm-errors.ts';

const request = { name: 'strimzi', namespace: 'data', chart: 'oci://quay.io/x/strimzi', version: '1.2.0' };
const failed = (stderr: string) => ({
  exitCode: 1,
  stdout: '',
  stderr,
  failure: 'Command failed with exit code 1: helm',
});

// As Helm 3.19 and 4.2 print them.
it.each([
  [
    'Error: Kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp 127.0.0.1:1: connect: connection refused',
    'CLUSTER_UNREACHABLE',
  ],
  [
    'Error: looks like "https://charts.example.com" is not a valid chart repository or cannot be reached: Get "https://charts.example.com/index.yaml": dial tcp: lookup charts.example.com: no such host',
    'HELM_REPOSITORY_UNREACHABLE',
  ],
  [
    'Error: failed to do request: Head "https://quay.io/v2/x/manifests/1.2.0": dial tcp: lookup quay.io: i/o timeout',
    'HELM_REPOSITORY_UNREACHABLE',
  ],
  ['Error: path "/charts/strimzi" not found', 'HELM_CHART_MISSING'],
  [
    'Error: chart "strimzi" matching 9.9.9 not found in https://charts.example.com index. (try \'helm repo update\'): no chart version found for strimzi-9.9.9',
    'HELM_CHART_MISSING',
  ],
  ['Error: Chart.yaml file is missing', 'HELM_CHART_MISSING'],
  [
    "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nstrimzi:\n- at '': additional properties 'x' not allowed",
    'HELM_CHART_REFUSED',
  ],
  [
    'Error: INSTALLATION FAILED: template: c/templates/a.yaml:3:4: executing "c/templates/a.yaml" at <fail>: error calling fail: no',
    'HELM_CHART_REFUSED',
  ],
  ['Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress', 'HELM_PENDING'],
  [
    'Error: clusterroles.rbac.authorization.k8s.io is forbidden: User "u" cannot create resource "clusterroles"',
    'HELM_FORBIDDEN',
  ],
  [
    'Error: unable to continue with install: CustomResourceDefinition "kafkas.kafka.strimzi.io" in namespace "" exists and cannot be imported into the current release: invalid ownership metadata',
    'HELM_CONFLICT',
  ],
  [
    'level=WARN msg="x"\nError: resource not ready, name: a, kind: Deployment, status: InProgress\ncontext deadline exceeded',
    'HELM_TIMEOUT',
  ],
  ['Error: UPGRADE FAILED: timed out waiting for the condition', 'HELM_TIMEOUT'],
  ['Error: something new', 'HELM_FAILED'],
])('%s', (stderr, code) => {
  const error = helmError(failed(stderr), request);
  expect(error.code).toBe(code);
  expect(error.message).toContain(stderr.split('Error: ')[1]?.split('\n')[0]);
});

it('tells what pods say, and that it was rolled back', () => {
  const complaints = ['kafka-0: ImagePullBackOff'];
  const error = helmError(failed('Error: timed out waiting for the condition'), { ...request, complaints, back: 3 });
  expect(error.message).toMatch(/kafka-0: ImagePullBackOff[\s\S]*rolled back to revision 3/);
  expect(error).toMatchObject({ retryable: true, details: { release: 'strimzi', complaints } });
});
