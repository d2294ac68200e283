import type { Profile } from '../../platform/profile.ts';
import type { Runtime } from '../../runtimes/contract.ts';

/** What provisioning may use: products are reached through the runtime alone, so it works on any. */
export interface ProvisionContext {
  runtime: Runtime;
  profile: Profile;
  /** Directory that holds schemas and templates. */
  projectRoot: string;
}
