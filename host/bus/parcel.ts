/** Copies of one message for receivers of one other thread. */
export interface Parcel {
  readonly thread: number;
  readonly to: number[];
}

export function parcelFor(parcels: Parcel[], thread: number): Parcel {
  const known = parcels.find((parcel) => parcel.thread === thread);
  if (known !== undefined) return known;
  const made: Parcel = { thread, to: [] };
  parcels.push(made);
  return made;
}
