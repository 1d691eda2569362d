import type { Budget } from '../../budget.ts';
import type { Preopen } from '../grants.ts';
import type { Files } from './port.ts';

export type OpenFiles = (preopens: readonly Preopen[], budget: Budget) => Promise<Files>;
