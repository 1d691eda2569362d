/** `1,234,567`. */
export function grouped(value: number | bigint | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

const steps: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** `950`, `1.2k`, `34M`: three digits are enough to watch. */
export function short(value: number): string {
  const [scale, unit] = steps.find(([least]) => value >= least) ?? [1, ''];
  const scaled = value / scale;
  return `${scaled < 10 && scale > 1 ? scaled.toFixed(1) : Math.round(scaled)}${unit}`;
}

/** `3d 4h`, `2h 5m`, `1m 12s`, `8s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
