import { describe, expect, it } from 'vitest';
import type { ClusterEvent, Pod } from './client-types.ts';
import { lacks, refusedPods, troubleOf } from './events.ts';
import { stateOf } from './observe.ts';
import { quantity } from './usage.ts';
import { readinessOf } from './wait-ready.ts';

type Status = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

const status = (change: Partial<Status>): Status => ({
  name: 'kafka',
  ready: false,
  restartCount: 0,
  image: 'lambdactl/kafka:1',
  ...change,
});

function pod(statuses: readonly Status[], change: Partial<Pod['status']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'kafka-0', namespace: 'data', uid: 'u1' },
    spec: { nodeName: 'node-1', containers: [{ name: 'kafka', image: 'lambdactl/kafka:1' }] },
    status: { phase: 'Running', containerStatuses: statuses, ...change },
  };
}

const event = (change: Partial<ClusterEvent>): ClusterEvent => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e' },
  involvedObject: {},
  ...change,
});

describe('states of a container', () => {
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  const running = { running: { startedAt: '2026-11-21T10:00:00Z' } };
  it.each([
    ['healthy', pod([status({ ready: true, started: true, state: running })], ready)],
    ['starting', pod([status({ started: false, state: running })])],
    ['unhealthy', pod([status({ started: true, state: running })])],
    ['backoff', pod([status({ restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } })])],
    ['starting', pod([status({ state: { waiting: { reason: 'ImagePullBackOff' } } })], { phase: 'Pending' })],
    [
      'preparing',
      pod([], { phase: 'Pending', initContainerStatuses: [status({ name: 'kafka-prepare', state: running })] }),
    ],
    ['failed', pod([], { phase: 'Failed', reason: 'Evicted' })],
  ])('%s', (expected, given) => {
    expect(stateOf(given, given.status?.containerStatuses?.[0]).state).toBe(expected);
  });

  it('ends when its pod is deleted', () => {
    const given = pod([status({ ready: true, state: running })]);
    const ending = { ...given, metadata: { ...given.metadata, deletionTimestamp: '2026-11-21T10:00:00Z' } };
    expect(stateOf(ending, ending.status?.containerStatuses?.[0]).state).toBe('stopping');
  });
});

describe('what is wrong with a pod', () => {
  it('names the image and how to get it', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "lambdactl/kafka:1": not found' };
    expect(troubleOf(pod([status({ state: { waiting } })]), [])).toMatchObject({
      code: 'IMAGE_PULL',
      message: 'image lambdactl/kafka:1 of kafka is not to be had: not found',
      actions: [expect.stringContaining('images load'), expect.stringContaining('kubernetes.images')],
    });
  });

  it('tells a limit from an exit code, and a first crash from a loop', () => {
    const ended = (change: object) => ({ terminated: { exitCode: 1, ...change } });
    const loop = (change: object, restartCount: number) =>
      troubleOf(
        pod([status({ restartCount, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended(change) })]),
        [],
      );
    expect(loop({}, 4)).toMatchObject({
      code: 'CRASH_LOOP',
      message: 'kafka ended 4 times in a row: exit code 1',
      patienceMs: 0,
    });
    expect(loop({ exitCode: 137, reason: 'OOMKilled' }, 3)?.message).toContain('memory limit');
    expect(loop({}, 1)?.patienceMs).toBeGreaterThan(0);
    expect(troubleOf(pod([status({ restartCount: 1, state: { running: {} } })]), [])).toBeNull();
  });

  it('says what nodes lack, or that the volume does', () => {
    const pending = (message: string) => {
      const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
      return { ...pod([], { phase: 'Pending', conditions }), spec: { containers: [] } };
    };
    const message =
      '0/3 nodes are available: 1 node(s) had untolerated taint, 2 Insufficient memory, 1 Insufficient cpu.';
    expect(lacks(message)).toBe('memory and cpu');
    expect(troubleOf(pending(message), [])).toMatchObject({
      code: 'UNSCHEDULABLE',
      details: { lacks: 'memory and cpu' },
    });
    const claim = event({
      message: 'storageclass "fast" not found',
      involvedObject: { kind: 'PersistentVolumeClaim', name: 'data-kafka-0' },
    });
    expect(troubleOf(pending('pod has unbound immediate PersistentVolumeClaims'), [claim])).toMatchObject({
      code: 'PVC_PENDING',
      message: expect.stringContaining('storageclass "fast" not found'),
    });
  });

  it('finds what does not let a pod be made at all', () => {
    const refusal = (message: string) =>
      refusedPods({ kind: 'StatefulSet', name: 'kafka' }, [
        event({ reason: 'FailedCreate', message, involvedObject: { kind: 'StatefulSet', name: 'kafka' } }),
      ]);
    expect(refusal('pods "kafka-0" is forbidden: exceeded quota: small, requested: memory=1Gi')).toMatchObject({
      code: 'QUOTA',
    });
    expect(
      refusal('pods "kafka-0" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot'),
    ).toMatchObject({ code: 'POD_SECURITY' });
    expect(refusal('something else')).toBeNull();
  });
});

describe('readiness', () => {
  const set = (change: object, generation = 2) => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'kafka', generation },
    spec: { replicas: 1 },
    status: {
      observedGeneration: 2,
      readyReplicas: 1,
      updatedReplicas: 1,
      currentRevision: 'a',
      updateRevision: 'a',
      ...change,
    },
  });
  it("is the new version's, not the old one's", () => {
    expect(readinessOf(set({})).ready).toBe(true);
    expect(readinessOf(set({}, 3)).ready).toBe(false);
    expect(readinessOf(set({ updateRevision: 'b', updatedReplicas: 0 })).ready).toBe(false);
  });
  it('is as operators tell it, of this generation only', () => {
    const kafka = (observedGeneration: number, state: string) => ({
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name: 'kafka', generation: 2 },
      status: { observedGeneration, conditions: [{ type: 'Ready', status: state, message: 'pods are not ready' }] },
    });
    expect(readinessOf(kafka(2, 'True')).ready).toBe(true);
    expect(readinessOf(kafka(1, 'True')).ready).toBe(false);
    expect(readinessOf(kafka(2, 'False'))).toEqual({ ready: false, detail: 'pods are not ready' });
  });
});

it('reads quantities', () => {
  expect(quantity('250m')).toBe(0.25);
  expect(quantity('64Mi')).toBe(67_108_864);
  expect(quantity('1500000n')).toBeCloseTo(0.0015);
  expect(quantity('2')).toBe(2);
  expect(quantity('lots')).toBeNaN();
});
