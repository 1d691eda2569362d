import type { Table } from './table.ts';

/** What one agent may have at once of what agents share by names. */
export interface SharingLimits {
  /** Leases it holds. */
  readonly leasesMax: number;
  /** Channels it made that are there. */
  readonly channelsMax: number;
  /** Values it put into channels, all together, that nobody has taken. */
  readonly channelValuesMax: number;
  /** Bytes of these values. */
  readonly channelBytesMax: number;
  /** Different words it was told and has not awaited. */
  readonly signalsMax: number;
  /** Groups it belongs to. */
  readonly groupsMax: number;
}

export type SharingLimit = keyof SharingLimits;

export const defaultSharing: SharingLimits = {
  leasesMax: 1_000,
  channelsMax: 256,
  channelValuesMax: 10_000,
  channelBytesMax: 16 * 1024 * 1024,
  signalsMax: 64,
  groupsMax: 64,
};

/** The keys of `[limits]` that say so. */
export const sharingNames: { readonly [limit in SharingLimit]: string } = {
  leasesMax: 'leases',
  channelsMax: 'channels',
  channelValuesMax: 'channel-values',
  channelBytesMax: 'channel-bytes',
  signalsMax: 'signals',
  groupsMax: 'groups',
};

export const sharingKeys: readonly string[] = Object.values(sharingNames);

const countBounds = { min: 0, max: 1_000_000 };
const bytesBounds = { min: 0, max: 1024 * 1024 * 1024 };

/** @throws HostError `HOST_ERR_CONFIG_INVALID`, `HOST_ERR_LIMIT_INVALID` */
export function sharingOf(limits: Table): SharingLimits {
  const count = (limit: SharingLimit): number =>
    limits.quantity(sharingNames[limit], 'count', countBounds, defaultSharing[limit]);
  return {
    leasesMax: count('leasesMax'),
    channelsMax: count('channelsMax'),
    channelValuesMax: count('channelValuesMax'),
    channelBytesMax: limits.quantity(
      sharingNames.channelBytesMax,
      'bytes',
      bytesBounds,
      defaultSharing.channelBytesMax,
    ),
    signalsMax: count('signalsMax'),
    groupsMax: count('groupsMax'),
  };
}

/** Of two, limit by limit. */
export function tighterSharing(one: SharingLimits, other: SharingLimits): SharingLimits {
  return {
    leasesMax: Math.min(one.leasesMax, other.leasesMax),
    channelsMax: Math.min(one.channelsMax, other.channelsMax),
    channelValuesMax: Math.min(one.channelValuesMax, other.channelValuesMax),
    channelBytesMax: Math.min(one.channelBytesMax, other.channelBytesMax),
    signalsMax: Math.min(one.signalsMax, other.signalsMax),
    groupsMax: Math.min(one.groupsMax, other.groupsMax),
  };
}
