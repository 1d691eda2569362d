import { type Grants, noGrants, parseManifest } from '../../host/manifest.ts';

/** Grants as a manifest's `[capabilities…]` tables say them. */
export function grantsFrom(text: string): Grants {
  return parseManifest(`name = "a"\nworld = "handler"\n${text}`, 'agent.toml').grants;
}

/** Grants of the bus alone. */
export function busGrants(bus: Partial<Grants['bus']>): Grants {
  return { ...noGrants, bus: { ...noGrants.bus, ...bus } };
}
