/**
 * Operators and what they run, as images under upstream's names: compiled from upstream's Go modules, put on trees of Debian.
 * docs/kubernetes-testing-kind.md says what stands in for what.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { charts, images } from '../../../src/components/operators/charts.ts';
import { debootstrap } from './node-image.ts';
import { paths } from './paths.ts';
import { goSteps, moduleSources } from './programs.ts';
import { docker, run, sh } from './shell.ts';
import type { Step } from './steps.ts';
import { operatorPrograms, operatorTrees, pyspark } from './versions.ts';

/** The names that charts and custom resources ask for. */
export const operatorImages = {
  'cloudnative-pg': `ghcr.io/cloudnative-pg/cloudnative-pg:${charts['cloudnative-pg'].app}`,
  'spark-operator': `ghcr.io/kubeflow/spark-operator/controller:${charts['spark-operator'].app}`,
  'sealed-secrets': `ghcr.io/bitnami-labs/sealed-secrets-controller:${charts['sealed-secrets'].app}`,
  postgres: images.postgres,
} as const;
type OperatorImage = keyof typeof operatorImages;

const tree = (name: string) => join(paths.images, `${name}.tar`);
const sparkArchive = join(paths.images, `pyspark-${pyspark.version}.tar.gz`);

const goPrograms = goSteps(operatorPrograms, paths.operatorBin);

/**
 * PostgreSQL of Debian, all of its programs: the manager calls pg_controldata, pg_isready and others that lambdactl's own build lacks.
 * The user is 26, as in upstream's image. A suite that is not released may lag behind its own date; its signature is checked all the same.
 */
const postgresTree: Step = {
  name: 'operators-postgres-tree',
  inputs: [operatorTrees.postgres.suite, ...operatorTrees.postgres.packages],
  outputs: [tree('postgres')],
  run: () =>
    debootstrap('operators', operatorTrees.postgres.packages, tree('postgres'), {
      suite: operatorTrees.postgres.suite,
      more: [
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--dpkgopt=force-confold',
        `--essential-hook=mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"`,
        '--customize-hook=chroot "$1" groupmod -o -g 26 postgres && chroot "$1" usermod -u 26 -g 26 postgres',
      ],
    }),
};

const javaTree: Step = {
  name: 'operators-java-tree',
  inputs: [operatorTrees.java.suite, ...operatorTrees.java.packages],
  outputs: [tree('java')],
  run: () => debootstrap('operators', operatorTrees.java.packages, tree('java')),
};

const sparkDistribution: Step = {
  name: 'operators-spark',
  inputs: [pyspark.version, pyspark.sha256],
  outputs: [sparkArchive],
  async run() {
    const scratch = join(paths.images, 'pyspark');
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    const requirements = join(scratch, 'requirements.txt');
    writeFileSync(requirements, `pyspark==${pyspark.version} --hash=sha256:${pyspark.sha256}\n`);
    const args = ['--no-deps', '--no-binary=:all:', '--require-hashes', '-r', requirements];
    await run('operators', 'python3', ['-m', 'pip', 'download', '--quiet', ...args, '--dest', scratch]);
    await sh('operators', 'mv "$1"/pyspark-*.tar.gz "$2"', [scratch, sparkArchive]);
    rmSync(scratch, { recursive: true });
  },
};

/** All images, in the rig's dockerd. */
const operatorImagesStep: Step = {
  name: 'operators-images',
  needs: [...goPrograms, postgresTree, javaTree, sparkDistribution],
  inputs: Object.values(operatorImages),
  outputs: [paths.dockerData],
  async run() {
    await importArchive(tree('postgres'), 'postgres', [
      'ENV PATH=/usr/lib/postgresql/18/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'ENV LANG=C.UTF-8',
      'USER 26',
    ]);
    await ofBinary('cloudnative-pg', 'manager', 'USER 65532:65532');
    await ofBinary('sealed-secrets', 'usr/local/bin/controller', 'USER 1001');
    await sparkOperatorImage();
  },
};

/** Before the rig's dockerd is needed, and with it. */
export const operatorSteps = {
  beforeDocker: [...goPrograms, postgresTree, javaTree, sparkDistribution],
  inDocker: [operatorImagesStep],
} as const satisfies Record<string, readonly Step[]>;

/** Definitions, roles and the manager of CloudNativePG, as its own release has them. */
export async function cloudNativePgManifest(): Promise<string> {
  const module = await moduleSources('go/cloudnative-pg', 'github.com/cloudnative-pg/cloudnative-pg');
  return existingFile(join(module, 'releases', `cnpg-${charts['cloudnative-pg'].app}.yaml`));
}

/** Charts that lie in upstream's Go modules; the other products' are not in any registry of packages. */
export async function chartsOfModules(): Promise<Record<'spark-operator' | 'sealed-secrets', string>> {
  const spark = await moduleSources('go/spark-operator', 'github.com/kubeflow/spark-operator/v2');
  const sealed = await moduleSources('../control-plane/go/sealed-secrets', 'github.com/bitnami-labs/sealed-secrets');
  return {
    'spark-operator': existingFile(join(spark, 'charts', 'spark-operator-chart')),
    'sealed-secrets': existingFile(join(sealed, 'helm', 'sealed-secrets')),
  };
}

function existingFile(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is not in the module: upstream keeps it elsewhere now`);
  return path;
}

const importArchive = (archive: string, image: OperatorImage | 'java', changes: readonly string[]) => {
  const name = image === 'java' ? javaImage : operatorImages[image];
  return docker('operators', 'import', ...changes.flatMap((change) => ['--change', change]), archive, name);
};
const javaImage = 'lambdactl-rig/java:dev';

/** An image of one static program, which is its entry point, with a /tmp and certificates of nobody. */
async function ofBinary(image: 'cloudnative-pg' | 'sealed-secrets', path: string, user: string): Promise<void> {
  const fill = `
    scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
    install -D -m755 "$1" "$scratch/$2"; mkdir -m1777 "$scratch/tmp"
    # The manager offers itself for every architecture that it finds here.
    [ "$2" != manager ] || { mkdir "$scratch/operator"; ln "$scratch/manager" "$scratch/operator/manager_amd64"; }
    name=$3; entry=$4; user=$5
    tar -C "$scratch" -c . | docker import --change "$entry" --change "$user" - "$name"`;
  const entry = `ENTRYPOINT ["/${path}"]`;
  await sh('operators', fill, [join(paths.operatorBin, image), path, operatorImages[image], entry, user]);
}

/** As upstream's Dockerfile makes it: the operator on an image of Spark, whose spark-submit it calls. */
async function sparkOperatorImage(): Promise<void> {
  await importArchive(tree('java'), 'java', ['ENV SPARK_HOME=/opt/spark', 'ENV JAVA_HOME=/usr']);
  const module = await moduleSources('go/spark-operator', 'github.com/kubeflow/spark-operator/v2');
  const build = `
    scratch=$(mktemp -d -p "$(dirname "$1")"); trap 'rm -rf "$scratch"' EXIT
    mkdir "$scratch/spark"
    tar -C "$scratch/spark" --strip-components=2 --wildcards -xzf "$1" 'pyspark-*/deps/bin' 'pyspark-*/deps/jars'
    install -m755 "$2" "$scratch/spark-operator"; install -m755 "$3" "$scratch/entrypoint.sh"
    cat > "$scratch/Dockerfile" <<EOF
FROM $4
RUN useradd --uid 185 --gid 0 --create-home spark
COPY spark /opt/spark
COPY spark-operator entrypoint.sh /usr/bin/
USER 185:185
ENTRYPOINT ["/usr/bin/entrypoint.sh"]
EOF
    docker build --tag "$5" "$scratch"`;
  const operator = join(paths.operatorBin, 'spark-operator');
  const args = [sparkArchive, operator, join(module, 'entrypoint.sh'), javaImage, operatorImages['spark-operator']];
  await sh('operators', build, args);
}
