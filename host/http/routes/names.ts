import type { Schema } from '../schema.ts';

/** Parameters that several resources share. */
export const nameParam: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'An agent’s name.',
};

export const subjectParam: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'A subject: words joined by dots.',
};

export interface NameParams {
  readonly name: string;
}

export interface SubjectParams {
  readonly subject: string;
}
