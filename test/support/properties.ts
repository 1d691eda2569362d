import fc from 'fast-check';
import { seedOf } from './seed.ts';

// Generated cases are the same each time; `PROPERTY_SEED=random` makes new ones, and a failure names its seed.
fc.configureGlobal({ seed: seedOf('PROPERTY_SEED') });

export { fc };
