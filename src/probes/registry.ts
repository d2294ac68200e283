import { externalError } from '../core/errors.ts';
import { requestJson } from './http.ts';
import type { Server } from './server.ts';

/** Confluent-compatible API, as Apicurio serves it. */
export class RegistryClient {
  private readonly base: string;

  constructor({ url }: Pick<Server, 'url'>) {
    this.base = `${url.replace(/\/$/, '').replace(/\/apis\/ccompat\/v7$/, '')}/apis/ccompat/v7`;
  }

  /**
   * Registers a JSON Schema; the same one again is the same version.
   * @throws LambdaError SCHEMA_INCOMPATIBLE with the registry's reason
   */
  async register(subject: string, schema: object): Promise<number> {
    const { status, body } = await this.ask(
      'POST',
      `/subjects/${encodeURIComponent(subject)}/versions`,
      jsonSchema(schema),
    );
    if (status === 409) {
      throw externalError(`The schema of ${subject} is not compatible with the registered one: ${reason(body)}`, {
        code: 'SCHEMA_INCOMPATIBLE',
        details: { subject },
        actions: ['Make the change compatible (a new field is optional), or give it a topic of its own.'],
      });
    }
    const id = field(body, 'id');
    if (status !== 200 || typeof id !== 'number') throw unexpected('register', subject, status, body);
    return id;
  }

  async setCompatibility(subject: string, compatibility: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`;
    const present = await this.ask('GET', path);
    if (field(present.body, 'compatibilityLevel') === compatibility) return;
    const { status, body } = await this.ask('PUT', path, { compatibility });
    if (status !== 200) throw unexpected('set compatibility of', subject, status, body);
  }

  /** The subject's own level; null where it has none and the registry's holds. */
  async compatibility(subject: string): Promise<string | null> {
    const { status, body } = await this.ask('GET', `/config/${encodeURIComponent(subject)}`);
    const level = field(body, 'compatibilityLevel');
    if (status !== 200 && status !== 404) throw unexpected('tell the compatibility of', subject, status, body);
    return typeof level === 'string' ? level : null;
  }

  /** The newest version of a subject; null when there is none. */
  async latest(subject: string): Promise<{ version: number; schema: object } | null> {
    const { status, body } = await this.ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`);
    if (status === 404) return null;
    const [version, schema] = [field(body, 'version'), field(body, 'schema')];
    if (status !== 200 || typeof version !== 'number' || typeof schema !== 'string') {
      throw unexpected('read', subject, status, body);
    }
    return { version, schema: JSON.parse(schema) };
  }

  /** Why the registry would refuse this schema as the next version; null when it would take it. */
  async incompatibility(subject: string, schema: object): Promise<string | null> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    const { status, body } = await this.ask('POST', path, jsonSchema(schema));
    if (status !== 200) throw unexpected('compare', subject, status, body);
    if (field(body, 'is_compatible') === true) return null;
    const messages = field(body, 'messages') ?? field(body, 'reason');
    return (Array.isArray(messages) ? messages.map(String).join('; ') : reason(body)).slice(0, 500);
  }

  async subjects(): Promise<string[]> {
    const { status, body } = await this.ask('GET', '/subjects');
    if (status !== 200 || !Array.isArray(body)) throw unexpected('list', 'subjects', status, body);
    return body.map(String);
  }

  private ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown) {
    // Its POSTs register a schema, which twice is the same version, or compare one.
    return requestJson('The schema registry', method, `${this.base}${path}`, body, method !== 'GET');
  }
}

const jsonSchema = (schema: object) => ({ schemaType: 'JSON', schema: JSON.stringify(schema) });

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}

function reason(body: unknown): string {
  return String(field(body, 'message') ?? JSON.stringify(body)).slice(0, 500);
}

function unexpected(what: string, subject: string, status: number, body: unknown) {
  return externalError(`The schema registry refused to ${what} ${subject}: ${status} ${reason(body)}`, {
    code: 'REGISTRY_REFUSED',
    details: { subject, status },
    actions: ['lambdactl logs registry'],
  });
}
