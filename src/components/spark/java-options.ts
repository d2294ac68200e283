/** What Spark's own launcher opens (JavaModuleOptions), which is not used here. */
const openPackages = [
  'java.lang',
  'java.lang.invoke',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'jdk.internal.ref',
  'sun.nio.ch',
  'sun.nio.cs',
  'sun.security.action',
  'sun.util.calendar',
] as const;

/** JVM flags of every Spark program. */
export const sparkFlags: readonly string[] = [
  '-Xss512k',
  ...openPackages.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
  '-Djdk.reflect.useDirectMethodHandle=false',
  '-Dio.netty.tryReflectionSetAccessible=true',
];
