// Says why the Kubernetes control plane of the tests cannot be used; nothing when it can.
import { findRig } from '../test/rig/control-plane/cache.ts';

const rig = findRig();
if ('missing' in rig) console.log(rig.missing);
