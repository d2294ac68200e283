/**
 * Environment variable of the Connect worker: path of the certificate by which servers are verified. Connectors name it, for the path is
 * not the same wherever a worker runs.
 */
export const authorityVariable = 'LAMBDACTL_AUTHORITY_FILE';

/** As a connector's configuration names it. */
export const authorityFile = `\${env:${authorityVariable}}`;
